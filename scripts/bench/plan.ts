import { type BlobSize, blobs } from './operations/blobs.ts';
import { type ImageKind, images } from './operations/images.ts';
import type { Operation } from './operations/operation.ts';
import { rates } from './operations/rates.ts';
import type { Seed } from './seed.ts';

/** How much is measured. */
export interface Plan {
  name: 'quick' | 'default' | 'full';
  rounds: number;
  seconds: number; // that each rate is measured
  concurrencies: readonly number[]; // at which it is
  blobs: readonly BlobSize[];
  images: readonly ImageKind[];
}

/** What the results call the images that the targets speak of. */
export const SMALL_IMAGE = 'a small image';

const KIB = 2 ** 10;
const MIB = 2 ** 20;

const small = (count: number): BlobSize => ({ name: '1 KiB', size: KIB, count });
const medium = (count: number): BlobSize => ({ name: '1 MiB', size: MIB, count });
const large = (mebibytes: number, name = `${mebibytes} MiB`): BlobSize => ({
  name,
  size: mebibytes * MIB,
  count: 1,
});

const smallImage = (count: number): ImageKind => ({
  name: SMALL_IMAGE,
  layers: 6,
  size: 64 * KIB,
  count,
  atOnce: 1,
});
const largeImage: ImageKind = {
  name: 'a large image',
  layers: 5,
  size: 32 * MIB,
  count: 1,
  atOnce: 1,
};
const manyImages = (count: number): ImageKind => ({
  ...smallImage(count),
  name: 'small images, 16 at once',
  atOnce: 16,
});

/** A smoke run, the usual one, and one that has a layer of 1 GiB besides. */
export const PLANS: Readonly<Record<Plan['name'], Plan>> = {
  quick: {
    name: 'quick',
    rounds: 1,
    seconds: 1,
    concurrencies: [16],
    blobs: [small(10), medium(3), large(64)],
    images: [smallImage(5), manyImages(16)],
  },
  default: {
    name: 'default',
    rounds: 3,
    seconds: 1,
    concurrencies: [1, 16, 64],
    blobs: [small(40), medium(10), large(64), large(256)],
    images: [smallImage(10), largeImage, manyImages(32)],
  },
  full: {
    name: 'full',
    rounds: 5,
    seconds: 2,
    concurrencies: [1, 16, 64],
    blobs: [small(40), medium(10), large(64), large(256), large(1024, '1 GiB')],
    images: [smallImage(20), largeImage, manyImages(48)],
  },
};

/** The work of a plan. */
export function operationsOf(plan: Plan, seed: Seed): Operation[] {
  return [...rates(seed, plan), ...blobs(plan.blobs), ...images(plan.images)];
}
