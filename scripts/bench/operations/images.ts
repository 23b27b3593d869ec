import { inParallel } from '../../edgewater/in-parallel.ts';
import { type Image, makeImage } from '../load/image.ts';
import { percentile, type Reading, readingOf, time } from '../samples.ts';
import { RegistrySubject } from '../subjects/registry-subject.ts';
import type { Operation } from './operation.ts';
import { settle } from './settle.ts';

/** docker's: https://docs.docker.com/reference/cli/dockerd/ max-concurrent-uploads and -downloads */
const UPLOADS = 5;
const DOWNLOADS = 3;

/** Images of one kind. */
export interface ImageKind {
  name: string;
  layers: number;
  size: number; // bytes of a layer
  count: number;
  atOnce: number; // images
}

/** Pushes new images as docker does, and pulls them twice. */
export function images(kinds: readonly ImageKind[]): Operation[] {
  return kinds.map((kind) => ({
    name: kind.name,
    fits: (subject) => subject instanceof RegistrySubject,
    measure: (subject) => measure(subject as RegistrySubject, kind),
  }));
}

async function measure(subject: RegistrySubject, kind: ImageKind): Promise<Reading[]> {
  const made = Array.from({ length: kind.count }, () => makeImage(kind.layers, kind.size));
  const { name } = kind;
  const pushed = await readingOfAll(`push of ${name}`, kind, made, (it) => push(subject, it));
  const cold = await readingOfAll(`cold pull of ${name}`, kind, made, (it) => pull(subject, it));
  await settle(kind.count * kind.layers * kind.size);
  const warm = await readingOfAll(`warm pull of ${name}`, kind, made, (it) => pull(subject, it));
  return [pushed, cold, warm];
}

/** One after the other, what counts is how long each takes; many at once, how long all together. */
async function readingOfAll(
  metric: string,
  { atOnce }: ImageKind,
  made: readonly Image[],
  work: (image: Image) => Promise<void>,
): Promise<Reading> {
  const times: number[] = [];
  const total = await time(async () => {
    await inParallel(made, atOnce, async (image) => {
      times.push(await time(() => work(image)));
    });
  });
  const reading = readingOf(metric, times, null);
  return atOnce === 1
    ? reading
    : { ...reading, value: total / made.length, p99: percentile(times, 0.99) };
}

async function push(subject: RegistrySubject, image: Image): Promise<void> {
  await inParallel(image.layers, UPLOADS, (layer) => subject.pushLayer(layer));
  await subject.pushLayer(image.config);
  await subject.pushManifest(image, tagOf(image));
}

async function pull(subject: RegistrySubject, image: Image): Promise<void> {
  await subject.pullManifest(image, tagOf(image));
  await inParallel(image.blobs, DOWNLOADS, (blob) => subject.pullBlob(blob));
}

function tagOf({ manifest }: Image): string {
  return manifest.digest.slice('sha256:'.length, 'sha256:'.length + 12);
}
