import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Bench } from './bench.ts';
import { digestOfFile } from './digest.ts';

/** A layer with a single file of random bytes, as a tar archive. */
export interface Layer {
  tar: string; // a path
  diffId: string;
  file: string; // its name in the layer
  content: string; // the file's digest
}

const CHUNK = 1024 * 1024;
let count = 0;

/** Makes a layer that no other run makes, so that the registry cannot know it. */
export async function makeLayer(bench: Bench, size: number): Promise<Layer> {
  const file = `random-${++count}`;
  const folder = bench.path('layers', file);
  await mkdir(folder, { recursive: true });
  await writeRandomFile(join(folder, file), size);
  const content = await digestOfFile(join(folder, file));
  const tar = `${folder}.tar`;
  await pack(bench, folder, tar);
  await rm(folder, { recursive: true });
  return { tar, diffId: await digestOfFile(tar), file, content };
}

/** Makes several of the same size. */
export async function makeLayers(bench: Bench, amount: number, size: number): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (let made = 0; made < amount; made++) {
    layers.push(await makeLayer(bench, size));
  }
  return layers;
}

/** Packs what a folder has into a tar archive, owned by root. */
export async function pack(bench: Bench, folder: string, tar: string): Promise<void> {
  await bench.run('tar', ['-cf', tar, '--owner=0', '--group=0', '-C', folder, '.']);
}

/** Compresses a file. The fastest level does: random bytes do not get smaller. */
export async function compress(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createGzip({ level: 1 }), createWriteStream(to));
}

/** Writes a file that cannot be compressed. */
export async function writeRandomFile(path: string, size: number): Promise<void> {
  await pipeline(Readable.from(randomChunks(size)), createWriteStream(path));
}

function* randomChunks(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= CHUNK) {
    yield randomBytes(Math.min(left, CHUNK));
  }
}
