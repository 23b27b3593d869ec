import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { digestOf, randomBytes, type TestManifest } from '../../support/images.ts';

/** Writes an OCI layout of these manifests and their blobs; the first is what it names. */
export async function writeLayout(
  folder: string,
  manifests: readonly TestManifest[],
  tag = 'v1',
): Promise<void> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  for (const content of manifests.flatMap((manifest) => [manifest, ...manifest.blobs])) {
    await writeFile(blobFile(folder, content.digest), content.bytes);
  }
  const [root] = manifests;
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  const named = [{ mediaType: root?.mediaType, digest: root?.digest, size: root?.bytes.length }];
  const index = { schemaVersion: 2, manifests: named.map((one) => ({ ...one, annotations })) };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
}

/** Where a layout has a blob. */
export function blobFile(folder: string, digest: string): string {
  return join(folder, 'blobs', digest.replace(':', '/'));
}

/** Writes what `docker save` writes, with one layer of `size` bytes; the layer is there twice. */
export async function writeArchive(folder: string, size: number): Promise<{ id: string }> {
  await mkdir(join(folder, 'layer'), { recursive: true });
  await writeFile(join(folder, 'file'), randomBytes(size));
  await create({ cwd: folder, file: join(folder, 'layer/layer.tar'), portable: true }, ['file']);
  const diffId = digestOf(await readFile(join(folder, 'layer/layer.tar')));
  const rootfs = { type: 'layers', diff_ids: [diffId] };
  const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs });
  await writeFile(join(folder, 'config.json'), config);
  const entry = { Config: 'config.json', RepoTags: ['app:v1'], Layers: ['layer/layer.tar'] };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify([entry]));
  return { id: `sha256:${createHash('sha256').update(config).digest('hex')}` };
}
