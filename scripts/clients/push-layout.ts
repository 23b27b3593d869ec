import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Bench } from './bench.ts';
import { blobPath, type Layout } from './image.ts';
import { getManifest } from './remote.ts';

const BYTES = 'application/octet-stream';

/** Pushes the image of a layout without any client's help, for clients that push none. */
export async function pushLayout(
  bench: Bench,
  repository: string,
  tag: string,
  layout: Layout,
): Promise<void> {
  const base = `${bench.url}/v2/${bench.repository(repository)}`;
  const manifest = await readFile(blobPath(layout.folder, layout.root.digest));
  const { config, layers } = JSON.parse(manifest.toString());
  for (const { digest } of [config, ...layers]) {
    const body = await readFile(blobPath(layout.folder, digest));
    await send(bench, 'POST', `${base}/blobs/uploads/?digest=${digest}`, body, BYTES);
  }
  const { digest, mediaType } = layout.root;
  await send(bench, 'PUT', `${base}/manifests/${tag}`, manifest, mediaType);
  assert.equal((await getManifest(bench, repository, tag)).digest, digest);
}

async function send(
  bench: Bench,
  method: string,
  url: string,
  body: Buffer,
  type: string,
): Promise<void> {
  const headers = { 'Content-Type': type, ...bench.authorization };
  const { status } = await fetch(url, { method, headers, body: new Uint8Array(body) });
  assert.equal(status, 201, `${method} ${url}`);
}
