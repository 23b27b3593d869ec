import { RefusalError } from '../errors.ts';
import {
  type Descriptor,
  DIGEST,
  DOCUMENT,
  type Document,
  digestOf,
  isManifest,
  type Manifest,
} from '../image/content.ts';
import { parseJson } from '../image/image-folder.ts';
import { refusalFor } from '../push/refusal.ts';
import type { RegistryClient } from '../upload/registry-client.ts';

/** What an image is made of, as a registry tells. */
export interface RemoteImage {
  root: Manifest;
  manifests: Manifest[]; // with the root, and the referrers
  referrers: Manifest[];
  blobs: Descriptor[];
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const MAX_MANIFESTS = 100_000;

/**
 * Fetches the manifest that a reference names, with all that it names, and all that refers to these if
 * that is asked for.
 *
 * @throws RefusalError, ConnectionError
 */
export async function fetchManifests(
  client: RegistryClient,
  repository: string,
  reference: string,
  withReferrers: boolean,
): Promise<RemoteImage> {
  const reader = new RemoteReader(client, repository, withReferrers);
  const root = await reader.add(reference);
  const { manifests, referrers, blobs } = reader;
  return {
    root,
    manifests: [...manifests.values()],
    referrers: [...referrers.values()],
    blobs: [...blobs.values()],
  };
}

class RemoteReader {
  readonly #client: RegistryClient;
  readonly #repository: string;
  readonly #withReferrers: boolean;
  readonly manifests = new Map<string, Manifest>(); // by digest
  readonly referrers = new Map<string, Manifest>();
  readonly blobs = new Map<string, Descriptor>();

  constructor(client: RegistryClient, repository: string, withReferrers: boolean) {
    this.#client = client;
    this.#repository = repository;
    this.#withReferrers = withReferrers;
  }

  /** Reads a manifest, and what hangs on it, once. */
  async add(reference: string): Promise<Manifest> {
    const waiting: { reference: string; isReferrer: boolean }[] = [];
    const root = await this.#read(reference, waiting);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!this.manifests.has(next.reference)) {
        const manifest = await this.#read(next.reference, waiting);
        if (next.isReferrer) {
          this.referrers.set(manifest.digest, manifest);
        }
      }
    }
    return root;
  }

  /** Reads one, and notes what else there is to read. */
  async #read(
    reference: string,
    waiting: { reference: string; isReferrer: boolean }[],
  ): Promise<Manifest> {
    const manifest = await this.#fetch(reference);
    this.manifests.set(manifest.digest, manifest);
    if (this.manifests.size > MAX_MANIFESTS) {
      throw new RefusalError(`${reference} is made of more than ${MAX_MANIFESTS} manifests`);
    }
    const document = parseJson(manifest.bytes, manifest.digest, DOCUMENT);
    for (const blob of blobsOf(document)) {
      this.blobs.set(blob.digest, blob);
    }
    const children = (document.manifests ?? []).filter(isManifest).map(({ digest }) => digest);
    const referrers = this.#withReferrers ? await this.#referrersOf(manifest.digest) : [];
    for (const digest of [...children, ...referrers]) {
      if (!DIGEST.test(digest)) {
        throw new RefusalError(`${manifest.digest} names "${digest}", which is no digest`);
      }
    }
    waiting.push(
      ...children.map((digest) => ({ reference: digest, isReferrer: false })),
      ...referrers.map((digest) => ({ reference: digest, isReferrer: true })),
    );
    return manifest;
  }

  async #fetch(reference: string): Promise<Manifest> {
    const answer = await this.#get(`/v2/${this.#repository}/manifests/${reference}`);
    if (answer.status !== 200) {
      throw refusalFor(`manifest ${reference}`, answer);
    }
    const named = DIGEST.test(reference) ? reference : answer.headers['docker-content-digest'];
    const algorithm = String(named ?? 'sha256').split(':', 1)[0];
    const digest = digestOf(answer.body, algorithm);
    if (named !== undefined && digest !== named) {
      throw new RefusalError(`the registry answers with other content than ${named}`);
    }
    const mediaType = answer.headers['content-type']?.split(';', 1)[0] ?? '';
    return { digest, mediaType, bytes: answer.body };
  }

  /** Digests of what refers to a manifest, over all pages; a registry may not know of referrers. */
  async #referrersOf(digest: string): Promise<string[]> {
    const found: string[] = [];
    let path: string | undefined = `/v2/${this.#repository}/referrers/${digest}`;
    while (path !== undefined) {
      const answer = await this.#get(path);
      if (answer.status === 404) {
        return found;
      }
      if (answer.status !== 200) {
        throw refusalFor(`referrers of ${digest}`, answer);
      }
      const { manifests } = parseJson(answer.body, path, DOCUMENT);
      found.push(...(manifests ?? []).map((referrer) => referrer.digest));
      path = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(answer.headers.link ?? ''))?.[1];
    }
    return found;
  }

  #get(path: string) {
    const { upstream } = this.#client;
    const target = upstream.follow(path, upstream.at('/'));
    return this.#client.persist({ method: 'GET', target, headers: { accept: ACCEPT } });
  }
}

/** All that is no manifest. */
function blobsOf({ config, layers, blobs, manifests }: Document): Descriptor[] {
  const entries = (manifests ?? []).filter((entry) => !isManifest(entry));
  return [config ?? [], layers ?? [], blobs ?? [], entries].flat();
}
