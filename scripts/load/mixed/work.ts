import { type Image, makeImage } from '../../bench/load/image.ts';
import type { Random } from '../random.ts';
import type { Published, Repository } from '../repository.ts';
import type { Library } from './library.ts';

/** What one connection works with. */
export interface Worker {
  library: Library;
  random: Random;
  repositories: readonly string[]; // that all share
  own: Repository; // where nobody else pushes, pulls or deletes
  open(repository: string): Repository;
}

/** One thing that is done, and how often beside the others. */
export interface Action {
  name: string;
  weight: number;
  run(worker: Worker): Promise<void>;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const LARGE = 1 / 60; // of all new images

/** Chosen so that there are about four pulls to a push. */
export const ACTIONS: readonly Action[] = [
  { name: 'push as docker', weight: 5, run: (worker) => push(worker, 'pushAsDocker') },
  { name: 'push as containerd', weight: 5, run: (worker) => push(worker, 'pushAsContainerd') },
  { name: 'push again', weight: 3, run: pushAgain },
  { name: 'mount', weight: 3, run: mount },
  { name: 'move a tag', weight: 3, run: moveTag },
  { name: 'push and delete', weight: 2, run: pushAndDelete },
  {
    name: 'pull of a hot image by tag',
    weight: 20,
    run: (worker) => pull(worker, worker.library.hot()),
  },
  {
    name: 'pull of any image by tag',
    weight: 10,
    run: (worker) => pull(worker, worker.library.any()),
  },
  { name: 'pull by digest', weight: 10, run: pullByDigest },
  { name: 'HEAD', weight: 15, run: head },
  { name: 'range', weight: 10, run: range },
];

/** A new image: mostly small ones, and now and then a large one. */
export function newImage(random: Random): Image {
  return random.next() < LARGE
    ? makeImage(1, random.between(10 * MIB, 40 * MIB))
    : makeImage(random.between(1, 4), random.between(KIB, 200 * KIB));
}

async function push(
  { library, random, repositories, open }: Worker,
  flow: 'pushAsDocker' | 'pushAsContainerd',
): Promise<void> {
  const name = random.pick(repositories);
  const image = newImage(random);
  const tag = image.manifest.digest.slice(-12);
  await open(name)[flow](image, tag);
  library.add(name, tag, image);
}

/** What a client does whose image is there already. */
async function pushAgain({ library, open }: Worker): Promise<void> {
  const { repository, tag, image } = library.recent();
  for (const blob of image.blobs) {
    await open(repository).headBlob(blob);
  }
  await open(repository).pushManifest(image, tag);
}

async function mount({ library, random, repositories, open }: Worker): Promise<void> {
  const { repository: from, blobs } = library.any();
  const target = open(random.pick(repositories.filter((name) => name !== from)));
  const blob = random.pick(blobs);
  await target.mountBlob(blob, from);
  await target.headBlob(blob);
}

/** This worker alone moves this tag, so it has to see what it did. */
async function moveTag({ library, own, open }: Worker): Promise<void> {
  const { repository, image } = library.recent();
  const tag = `moved-by-${own.name.slice(own.name.lastIndexOf('-') + 1)}`;
  await open(repository).pushManifest(image, tag);
  await open(repository).headManifest(tag, image.manifest);
  await open(repository).pullManifest(tag, image.manifest);
}

async function pushAndDelete({ random, own }: Worker): Promise<void> {
  const image = newImage(random);
  const { digest } = image.manifest;
  await own.pushAsContainerd(image, 'short-lived');
  await own.pullManifest('short-lived', image.manifest);
  await own.delete('manifests', digest);
  await own.headManifest('short-lived', null);
  await own.headManifest(digest, null);
  for (const blob of image.blobs) {
    await own.delete('blobs', blob.digest);
    await own.headBlob(blob, 404);
  }
}

async function pull({ open }: Worker, published: Published): Promise<void> {
  await open(published.repository).pull(published);
}

async function pullByDigest({ library, open }: Worker): Promise<void> {
  const published = library.any();
  await open(published.repository).pullByDigest(published);
}

async function head({ library, random, open }: Worker): Promise<void> {
  const { repository, tag, manifest, blobs } = library.any();
  await open(repository).headManifest(random.pick([tag, manifest.digest]), manifest);
  await open(repository).headBlob(random.pick(blobs));
}

/** Compared byte for byte: no digest tells about a part. */
async function range({ library, random, open }: Worker): Promise<void> {
  const { repository, image } = library.recent();
  const blob = random.pick(image.blobs);
  const first = random.between(0, blob.size - 1);
  const last = Math.min(blob.size - 1, first + random.between(0, 200 * KIB));
  const wanted = Buffer.concat([...blob.pieces(MIB)]).subarray(first, last + 1);
  const found = await open(repository).pullRange(blob, first, last);
  if (!wanted.equals(found)) {
    throw new Error(`bytes ${first} to ${last} of ${blob.digest} are others`);
  }
}
