import type { Digest, SubjectDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { MAX_MANIFEST_SIZE } from '../oci/manifest.ts';
import { ACCEPT_MANIFESTS, OCI_INDEX } from '../oci/media-types.ts';
import type { Tag } from '../oci/reference.ts';
import { found } from '../storage/blob-store.ts';
import type { BlobRecord } from '../storage/metadata/blobs.ts';
import type { Stores } from '../storage/stores.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import { readWhole } from '../upstream/read-whole.ts';
import { refusedIsNull } from '../upstream/refusal.ts';

/** A manifest on its way out. */
export interface OutgoingManifest {
  digest: Digest;
  mediaType: string;
  bytes: Uint8Array;
  hasSubject: boolean;
}

/** One repository of another registry, to push into: distribution-spec v1.1.1 "Push". */
export class PushTarget {
  readonly #client: UpstreamClient;
  readonly #repository: string;
  readonly #stores: Stores;
  #keepsReferrers: boolean | null = null; // null while nobody knows

  /** `repository` is what the other registry calls it. */
  constructor(client: UpstreamClient, repository: string, stores: Stores) {
    this.#client = client;
    this.#repository = repository;
    this.#stores = stores;
  }

  /** What a tag or a digest names there; null when it names nothing, or the digest is not told. */
  async digestOf(reference: string): Promise<string | null> {
    const response = await this.#client
      .ask({
        method: 'HEAD',
        repository: this.#repository,
        path: `manifests/${reference}`,
        headers: { Accept: ACCEPT_MANIFESTS },
      })
      .catch(refusedIsNull);
    return response?.headers.get('Docker-Content-Digest') ?? null;
  }

  /** Sends a blob from the store, as one body of known length. False when it is there already. */
  async blob({ digest, key, size }: BlobRecord): Promise<boolean> {
    const repository = this.#repository;
    const path = `blobs/${digest}`;
    const head = { method: 'HEAD', repository, path } as const;
    if ((await this.#client.ask(head).catch(refusedIsNull)) !== null) {
      return false;
    }
    const post = { method: 'POST', repository, path: 'blobs/uploads/' } as const;
    const opened = await this.#client.ask(post).catch(refusedIsNull);
    const location = opened?.headers.get('Location') ?? null;
    await opened?.body?.cancel();
    if (location === null) {
      throw this.#refusal('does not let us push');
    }
    const sent = await this.#client.ask({
      method: 'PUT',
      repository,
      path: withDigest(this.#checked(location), digest),
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(size) },
      body: async () =>
        size === 0
          ? new Uint8Array()
          : found(await this.#stores.blobs.openRange(key, 0, size), key).body,
    });
    if (sent === null) {
      throw this.#refusal(`does not take the blob ${digest}`);
    }
    await sent.body?.cancel();
    return true;
  }

  /** Pushes a manifest by a tag, or by its digest. */
  async manifest(
    { digest, mediaType, bytes, hasSubject }: OutgoingManifest,
    reference: string,
  ): Promise<void> {
    const response = await this.#client.ask({
      method: 'PUT',
      repository: this.#repository,
      path: `manifests/${reference}`,
      headers: { 'Content-Type': mediaType },
      body: async () => bytes,
    });
    await response?.body?.cancel();
    if (response === null) {
      throw this.#refusal(`does not take the manifest ${digest}`);
    }
    const told = response.headers.get('Docker-Content-Digest');
    if (told !== null && told !== digest) {
      throw new RegistryError('UPSTREAM_LIED', `${digest} became ${told} there`);
    }
    if (hasSubject) {
      this.#keepsReferrers = this.#keepsReferrers !== false && response.headers.has('OCI-Subject');
    }
  }

  /**
   * Whether the registry lists by itself what refers to a manifest: as its answers said to those that were
   * pushed here, or else by having a list.
   */
  async keepsReferrers(subject: SubjectDigest): Promise<boolean> {
    if (this.#keepsReferrers === null) {
      const response = await this.#get(`referrers/${subject}`).catch(refusedIsNull);
      await response?.body?.cancel();
      this.#keepsReferrers = isIndex(response?.headers.get('Content-Type') ?? null);
    }
    return this.#keepsReferrers;
  }

  /**
   * The index that a tag names; null when it names nothing.
   *
   * @throws UPSTREAM_REFUSED when it names something else; UPSTREAM_FAILED
   */
  async index(tag: Tag): Promise<Uint8Array | null> {
    const response = await this.#get(`manifests/${tag}`);
    if (response === null) {
      return null;
    }
    if (!isIndex(response.headers.get('Content-Type'))) {
      await response.body?.cancel();
      throw this.#refusal(
        `lists no referrers under the tag ${tag}: remove that, or go without them`,
      );
    }
    const bytes = await readWhole(response, MAX_MANIFEST_SIZE);
    if (bytes === null) {
      throw new RegistryError('UPSTREAM_FAILED', `the index ${tag} did not come whole`);
    }
    return bytes;
  }

  #get(path: string) {
    const headers = { Accept: ACCEPT_MANIFESTS }; // some have nothing there for who does not take what is there
    return this.#client.ask({ method: 'GET', repository: this.#repository, path, headers });
  }

  /** The credentials are for the registry's own host: an upload that goes elsewhere does not get them. */
  #checked(location: string): URL {
    const base = this.#client.url;
    const url = URL.canParse(location, base) ? new URL(location, base) : null;
    if (url?.origin !== base.origin) {
      throw this.#refusal('wants uploads to go to another host, which is not supported');
    }
    return url;
  }

  #refusal(why: string): RegistryError {
    return new RegistryError('UPSTREAM_REFUSED', `the registry ${why} in ${this.#repository}`);
  }
}

function isIndex(contentType: string | null): boolean {
  return contentType?.split(';', 1)[0] === OCI_INDEX;
}

function withDigest({ pathname, search }: URL, digest: Digest): string {
  return `${pathname}${search}${search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
}
