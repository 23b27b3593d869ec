import { copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { digestOf, digestOfFile } from './digest.ts';
import { compress, type Layer, pack } from './layer.ts';

/** What the manifests of this suite say of each blob and manifest. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string };
  annotations?: Record<string, string>;
}

/** An OCI image layout in a folder, with one tagged image or index in it. */
export interface Layout {
  folder: string;
  tag: string;
  root: Descriptor;
  image: Descriptor; // the first image: the root itself when that is not an index
  config: Descriptor; // of the first image
}

const OCI = 'application/vnd.oci.image';
const NAME = 'org.opencontainers.image.ref.name';

/** Writes a layout with one image of these layers. */
export async function writeImage(
  bench: Bench,
  name: string,
  layers: readonly Layer[],
): Promise<Layout> {
  const folder = await startLayout(bench, name);
  const { image, config } = await addImage(folder, layers, 'amd64');
  return finishLayout(folder, { root: image, image, config });
}

/** Writes a layout with an index of one image for each layer, each for another architecture. */
export async function writeIndex(
  bench: Bench,
  name: string,
  layers: Readonly<Record<string, Layer>>,
): Promise<Layout> {
  const folder = await startLayout(bench, name);
  const images: { image: Descriptor; config: Descriptor }[] = [];
  for (const [architecture, layer] of Object.entries(layers)) {
    images.push(await addImage(folder, [layer], architecture));
  }
  const [first] = images;
  if (first === undefined) {
    throw new Error('an index needs an image');
  }
  const root = await addJson(folder, `${OCI}.index.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: images.map(({ image }) => image),
  });
  return finishLayout(folder, { root, ...first });
}

/** Writes an image as `docker save` does; its ID is the digest of its config. */
export async function writeDockerArchive(
  bench: Bench,
  tag: string,
  layers: readonly Layer[],
): Promise<{ archive: string; id: string }> {
  const folder = bench.path('docker-archive');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const config = configOf(layers, 'amd64');
  await writeFile(join(folder, 'config.json'), config);
  const names = layers.map((_, at) => `layer-${at}.tar`);
  for (const [at, { tar }] of layers.entries()) {
    await copyFile(tar, join(folder, `layer-${at}.tar`));
  }
  const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: names }];
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = `${folder}.tar`;
  await pack(bench, folder, archive);
  return { archive, id: digestOf(config) };
}

async function startLayout(bench: Bench, name: string): Promise<string> {
  const folder = bench.path(name);
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return folder;
}

async function finishLayout(
  folder: string,
  found: Pick<Layout, 'root' | 'image' | 'config'>,
): Promise<Layout> {
  const tag = 'v1';
  const manifests = [{ ...found.root, annotations: { [NAME]: tag } }];
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  return { folder, tag, ...found };
}

async function addImage(
  folder: string,
  layers: readonly Layer[],
  architecture: string,
): Promise<{ image: Descriptor; config: Descriptor }> {
  const config = await addText(folder, `${OCI}.config.v1+json`, configOf(layers, architecture));
  const descriptors: Descriptor[] = [];
  for (const { tar } of layers) {
    descriptors.push(await addLayer(folder, tar));
  }
  const image = await addJson(folder, `${OCI}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config,
    layers: descriptors,
  });
  return { image: { ...image, platform: { os: 'linux', architecture } }, config };
}

async function addLayer(folder: string, tar: string): Promise<Descriptor> {
  const unnamed = join(folder, 'layer.tar.gz');
  await compress(tar, unnamed);
  const digest = await digestOfFile(unnamed);
  const { size } = await stat(unnamed);
  await rename(unnamed, blobPath(folder, digest));
  return { mediaType: `${OCI}.layer.v1.tar+gzip`, digest, size };
}

function addJson(folder: string, mediaType: string, value: unknown): Promise<Descriptor> {
  return addText(folder, mediaType, JSON.stringify(value));
}

async function addText(folder: string, mediaType: string, text: string): Promise<Descriptor> {
  const digest = digestOf(text);
  await writeFile(blobPath(folder, digest), text);
  return { mediaType, digest, size: Buffer.byteLength(text) };
}

/** Where a layout keeps the bytes with a digest. */
export function blobPath(folder: string, digest: string): string {
  return join(folder, 'blobs', ...digest.split(':'));
}

function configOf(layers: readonly Layer[], architecture: string): string {
  const created = '2026-01-01T00:00:00Z';
  return JSON.stringify({
    created,
    architecture,
    os: 'linux',
    config: { Env: ['PATH=/'], Cmd: ['/none'], Labels: { suite: 'edgewater' } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ file }) => ({ created, created_by: file })),
  });
}
