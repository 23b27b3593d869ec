/** The orders of whose steps the model goes through. */

import type { Tag } from '../../src/oci/reference.ts';
import type { Actor, Bounds } from './explorer.ts';
import {
  alarm,
  collector,
  deleter,
  designOf,
  HERE,
  image,
  indexer,
  LATEST,
  largePusher,
  mounter,
  named,
  pusher,
  putManifest,
  reaper,
  reconciler,
  restorer,
  type UploadDesign,
  unlinker,
  untagger,
  upload,
  uploader,
} from './people.ts';
import { DAY, type World } from './world.ts';

/** What there is at first, and who acts then: more of them, and longer, in the large scope. */
export interface Story {
  given?: (world: World) => Promise<void>;
  actors: (world: World) => Actor[];
  more?: (world: World) => Actor[];
  small: Bounds;
  large: Bounds;
}

const IMAGE = image('image');
const OTHER = image('other');
const LARGE = image('large', { blobs: [] });
const INDEX = image('index', { blobs: [], children: [IMAGE.digest] });
const SIGNATURE = image('signature', { subject: IMAGE.digest });
const SIGNED = 'signed' as Tag;

/** The layer, and its lease is over: the collector's next. */
async function oldLayer(world: World, design = designOf(world)): Promise<void> {
  await upload(world, design, 'old session', HERE, named('layer'));
  world.database.now += 3 * DAY;
}

const oldImage =
  (days: number, tags = [LATEST]) =>
  async (world: World) => {
    await upload(world, designOf(world), 'old session', HERE, named('layer'));
    await putManifest(world, {}, HERE, IMAGE, tags, 0);
    world.database.now += days * DAY;
  };

export const STORIES: Readonly<Record<string, Story>> = {
  'two pushers of a blob that the collector is about to take': {
    given: (world) => oldLayer(world),
    actors: (world) => [
      pusher(world, 'first', IMAGE),
      pusher(world, 'second', OTHER, { blindly: true }),
      collector(world),
    ],
    more: (world) => [collector(world, 'other collector')],
    small: { days: 1, crashes: 0, faults: 0 },
    large: { days: 2, crashes: 1, faults: 0 },
  },
  'two collectors': {
    given: (world) => oldLayer(world),
    actors: (world) => [
      pusher(world, 'pusher', IMAGE),
      collector(world),
      collector(world, 'other collector'),
    ],
    small: { days: 1, crashes: 0, faults: 0 },
    large: { days: 2, crashes: 1, faults: 1 },
  },
  'a pusher whose answers are lost': {
    given: (world) => oldLayer(world),
    actors: (world) => [pusher(world, 'pusher', IMAGE), collector(world)],
    more: (world) => [reconciler(world)],
    small: { days: 2, crashes: 1, faults: 1 },
    large: { days: 3, crashes: 1, faults: 2 },
  },
  'a slow pusher, whose session ends': {
    actors: (world) => [
      pusher(world, 'slow', IMAGE, { blindly: true }),
      alarm(world, 'slow'),
      uploader(world, 'quick'),
      collector(world),
    ],
    more: (world) => [reaper(world)],
    small: { days: 2, crashes: 0, faults: 0 },
    large: { days: 3, crashes: 1, faults: 0 },
  },
  'a crash before the commit, and the reconciler': {
    actors: (world) => [
      pusher(world, 'pusher', IMAGE, { blindly: true }),
      alarm(world, 'pusher'),
      reconciler(world),
      collector(world),
    ],
    small: { days: 2, crashes: 1, faults: 0 },
    large: { days: 4, crashes: 1, faults: 1 },
  },
  'a blob that is mounted while its image is deleted': {
    given: oldImage(3),
    actors: (world) => [
      mounter(world, 'mounter', OTHER),
      deleter(world, IMAGE.digest),
      unlinker(world),
      collector(world),
    ],
    more: (world) => [pusher(world, 'pusher', IMAGE)],
    small: { days: 2, crashes: 0, faults: 0 },
    large: { days: 5, crashes: 1, faults: 0 },
  },
  'an image that is deleted, pushed again and expires': {
    given: oldImage(3),
    actors: (world) => [
      deleter(world, IMAGE.digest),
      pusher(world, 'pusher', IMAGE),
      collector(world),
    ],
    more: (world) => [collector(world, 'other collector')],
    small: { days: 3, crashes: 0, faults: 0 },
    large: { days: 5, crashes: 1, faults: 0 },
  },
  'an image that is deleted and restored': {
    given: oldImage(3),
    actors: (world) => [
      deleter(world, IMAGE.digest),
      restorer(world, IMAGE.digest),
      unlinker(world),
      collector(world),
    ],
    more: (world) => [pusher(world, 'pusher', IMAGE)],
    small: { days: 3, crashes: 0, faults: 0 },
    large: { days: 4, crashes: 0, faults: 0 },
  },
  'an index of an image that the collector is about to take': {
    given: oldImage(2, []),
    actors: (world) => [
      indexer(world, 'indexer', INDEX),
      collector(world),
      deleter(world, INDEX.digest),
    ],
    more: (world) => [collector(world, 'other collector'), deleter(world, IMAGE.digest)],
    small: { days: 3, crashes: 0, faults: 1 },
    large: { days: 4, crashes: 0, faults: 0 },
  },
  'two pushers of the same manifest above 1 MB': {
    actors: (world) => [
      largePusher(world, 'first', LARGE),
      largePusher(world, 'second', LARGE),
      deleter(world, LARGE.digest),
      collector(world),
    ],
    more: (world) => [reaper(world)],
    small: { days: 2, crashes: 0, faults: 0 },
    large: { days: 3, crashes: 0, faults: 0 },
  },
  'a tag that moves, goes and comes back': {
    given: oldImage(3),
    actors: (world) => [pusher(world, 'mover', OTHER), untagger(world), collector(world)],
    more: (world) => [pusher(world, 'returner', IMAGE)],
    small: { days: 4, crashes: 0, faults: 0 },
    large: { days: 4, crashes: 0, faults: 0 },
  },
  'a referrer that comes while its subject goes': {
    given: oldImage(3),
    actors: (world) => [
      pusher(world, 'signer', SIGNATURE, { tags: [] }),
      deleter(world, IMAGE.digest),
      collector(world),
    ],
    more: (world) => [collector(world, 'other collector')],
    small: { days: 3, crashes: 0, faults: 0 },
    large: { days: 4, crashes: 0, faults: 0 },
  },
  'a referrer whose tag goes after its subject': {
    given: async (world) => {
      await oldImage(0)(world);
      await putManifest(world, {}, HERE, SIGNATURE, [SIGNED], 0);
    },
    actors: (world) => [deleter(world, IMAGE.digest), untagger(world, SIGNED), collector(world)],
    more: (world) => [pusher(world, 'pusher', IMAGE)],
    small: { days: 4, crashes: 0, faults: 0 },
    large: { days: 5, crashes: 0, faults: 0 },
  },
};

/** Designs that lose data in other registries, by the same actors: the explorer has to find how. */
export const BAD_DESIGNS: Readonly<Record<string, Story>> = {
  'keys that are digests': {
    given: (world) => oldLayer(world, byDigest(world)),
    actors: (world) => [
      pusher(world, 'pusher', IMAGE, { design: byDigest(world) }),
      collector(world),
    ],
    small: { days: 1, crashes: 0, faults: 0 },
    large: { days: 1, crashes: 0, faults: 0 },
  },
  'commits that do not need their intent': {
    actors: (world) => [
      pusher(world, 'pusher', IMAGE, { design: withoutIntent(world) }),
      reaper(world),
      collector(world),
    ],
    small: { days: 3, crashes: 0, faults: 0 },
    large: { days: 3, crashes: 0, faults: 0 },
  },
};

function byDigest(world: World): UploadDesign {
  return { ...designOf(world), key: (_session, digest) => `blobs/${digest}` };
}

/** The real commit, which is given the row that it finds gone. */
function withoutIntent(world: World): UploadDesign {
  const design = designOf(world);
  const { uploads } = world.metadata;
  return {
    ...design,
    commit: async (finished) => {
      if (await uploads.commit(finished)) {
        return true;
      }
      const { id, repository, digest } = finished;
      await uploads.announce(id, repository, design.key(id, digest), DAY);
      return uploads.commit(finished);
    },
  };
}
