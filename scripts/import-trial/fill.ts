import { createHash, randomBytes } from 'node:crypto';
import { attachReferrer, type Referrer } from '../clients/referrer.ts';

/** A tag of the registry that is filled. */
export interface Filled {
  repository: string;
  tag: string;
  digest: string;
  referrer?: Referrer;
}

const PER_REPOSITORY = 20;
const AT_ONCE = 8;

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/**
 * Fills a registry with images below "team/": each with a layer of its own and one that its repository
 * shares; every fifth is an index of two platforms, and every tenth is signed as cosign does and has an
 * SBOM, which is listed under a tag as for registries without the referrers API.
 *
 * @param size of a layer, in bytes
 */
export async function fill(url: string, count: number, size: number): Promise<Filled[]> {
  const repositories = Array.from({ length: Math.ceil(count / PER_REPOSITORY) }, (_, n) => n);
  const queue = repositories.values();
  const found: Filled[] = [];
  const lane = async () => {
    for (const number of queue) {
      const images = Math.min(PER_REPOSITORY, count - number * PER_REPOSITORY);
      found.push(...(await fillRepository(url, `team/app-${number}`, images, size)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return found;
}

async function fillRepository(url: string, repository: string, count: number, size: number) {
  const base = randomBytes(size);
  const found: Filled[] = [];
  for (let number = 0; number < count; number++) {
    const tag = `v${number}`;
    const image =
      number % 5 === 0
        ? await pushIndex(url, repository, tag, base, size)
        : await pushImage(url, repository, tag, [base, randomBytes(size)]);
    const { digest } = image;
    if (number % 10 === 0) {
      const about = digest.replace(':', '-');
      const signed = await pushImage(url, repository, `${about}.sig`, [randomBytes(200)]);
      found.push({ repository, tag: `${about}.sig`, digest: signed.digest });
      const referrer = await attachReferrer({ url, name: repository }, image);
      const list = { schemaVersion: 2, mediaType: INDEX, manifests: [referrer] };
      await pushManifest(url, repository, about, list);
      found.push({ repository, tag, digest, referrer });
    } else {
      found.push({ repository, tag, digest });
    }
  }
  return found;
}

/** What a tag names; null when it names nothing. */
export async function digestOf(
  url: string,
  repository: string,
  tag: string,
  headers: Record<string, string> = {},
): Promise<string | null> {
  const response = await fetch(`${url}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { ...headers, Accept: `${MANIFEST}, ${INDEX}` },
  });
  return response.ok ? response.headers.get('Docker-Content-Digest') : null;
}

/** What is listed as referring to a manifest, at this path behind the repository: the API's or a tag's. */
export async function listReferrers(
  url: string,
  repository: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Referrer[]> {
  const response = await fetch(`${url}/v2/${repository}/${path}`, {
    headers: { ...headers, Accept: INDEX },
  });
  return response.ok ? ((await response.json()) as { manifests: Referrer[] }).manifests : [];
}

async function pushIndex(url: string, repository: string, tag: string, base: Buffer, size: number) {
  const manifests: object[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const image = await pushImage(url, repository, null, [base, randomBytes(size)]);
    manifests.push({ ...image, platform: { os: 'linux', architecture } });
  }
  const body = { schemaVersion: 2, mediaType: INDEX, manifests };
  return pushManifest(url, repository, tag, body);
}

async function pushImage(url: string, repository: string, tag: string | null, layers: Buffer[]) {
  const config = Buffer.from(JSON.stringify({ os: 'linux', id: randomBytes(8).toString('hex') }));
  for (const blob of [config, ...layers]) {
    await pushBlob(url, repository, blob);
  }
  return pushManifest(url, repository, tag, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, ...describe(config) },
    layers: layers.map((layer) => ({ mediaType: LAYER, ...describe(layer) })),
  });
}

async function pushManifest(
  url: string,
  repository: string,
  tag: string | null,
  body: { mediaType: string; [field: string]: unknown },
) {
  const bytes = Buffer.from(JSON.stringify(body));
  const described = describe(bytes);
  await send(`${url}/v2/${repository}/manifests/${tag ?? described.digest}`, {
    method: 'PUT',
    headers: { 'Content-Type': body.mediaType },
    body: new Uint8Array(bytes),
  });
  return { ...described, mediaType: body.mediaType };
}

async function pushBlob(url: string, repository: string, blob: Buffer): Promise<void> {
  const { digest } = describe(blob);
  const opened = await send(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(opened.headers.get('Location') ?? '', url);
  location.searchParams.set('digest', digest);
  await send(location.href, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: new Uint8Array(blob),
  });
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok) {
    throw new Error(`${init.method} ${url} was answered ${response.status}`);
  }
  await response.arrayBuffer();
  return response;
}

function describe(bytes: Buffer) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { digest, size: bytes.byteLength };
}
