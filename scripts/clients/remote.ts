import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Bench } from './bench.ts';
import { digestOf } from './digest.ts';
import type { Descriptor } from './image.ts';

/** A manifest or an index as the registry gives it. */
export interface RemoteManifest {
  digest: string;
  mediaType: string;
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** Gets a manifest, without any client's help, and checks its digest. */
export async function getManifest(
  bench: Bench,
  repository: string,
  reference: string,
): Promise<RemoteManifest> {
  const response = await get(bench, repository, `manifests/${reference}`);
  const text = await response.text();
  const digest = response.headers.get('docker-content-digest') ?? '';
  if (digest.startsWith('sha256:')) {
    assert.equal(digestOf(text), digest, 'the digest of the manifest');
  }
  const mediaType = response.headers.get('content-type') ?? '';
  return { ...JSON.parse(text), digest, mediaType };
}

/**
 * Reads all that a client pushed, bytes of blobs included, and compares it with its digests.
 *
 * @returns what the reference names
 */
export async function verifyRemote(
  bench: Bench,
  repository: string,
  reference: string,
): Promise<RemoteManifest> {
  const manifest = await getManifest(bench, repository, reference);
  for (const child of manifest.manifests ?? []) {
    const { digest } = await verifyRemote(bench, repository, child.digest);
    assert.equal(digest, child.digest, 'the digest of a manifest in an index');
  }
  for (const blob of [manifest.config, ...(manifest.layers ?? [])]) {
    if (blob !== undefined) {
      await verifyBlob(bench, repository, blob);
    }
  }
  return manifest;
}

/** What the registry answers to a request for a manifest, for those who expect to be refused. */
export async function manifestStatus(
  bench: Bench,
  repository: string,
  reference: string,
): Promise<number> {
  const url = `${bench.url}/v2/${bench.repository(repository)}/manifests/${reference}`;
  const headers = { Accept: ACCEPT, ...bench.authorization };
  const { status } = await fetch(url, { method: 'HEAD', headers });
  return status;
}

async function verifyBlob(bench: Bench, repository: string, blob: Descriptor): Promise<void> {
  const { body } = await get(bench, repository, `blobs/${blob.digest}`);
  const [algorithm = ''] = blob.digest.split(':');
  const hash = createHash(algorithm);
  let size = 0;
  if (body !== null) {
    await pipeline(Readable.fromWeb(body as never), async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
      }
    });
  }
  assert.equal(`${algorithm}:${hash.digest('hex')}`, blob.digest, 'the digest of a blob');
  assert.equal(size, blob.size, 'the size of a blob');
}

async function get(bench: Bench, repository: string, path: string): Promise<Response> {
  const url = `${bench.url}/v2/${bench.repository(repository)}/${path}`;
  const response = await fetch(url, { headers: { Accept: ACCEPT, ...bench.authorization } });
  assert.equal(response.status, 200, `GET ${url}`);
  return response;
}
