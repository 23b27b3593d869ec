import type { Stores } from '../storage/stores.ts';
import { untaggedWindows } from './retention/untagged.ts';
import { takeSteps } from './steps.ts';

/** Entries of one batch: each may copy the body of a manifest. */
const BATCH = 100;

/** Keys that R2 deletes in one call. */
const TRASH_BATCH = 1000;

/** Batches of one run of each kind: together some two hundred statements. What is left waits. */
const MAX_BATCHES = 10;

/** What one run looks at, at most: of manifests, of blobs, and of objects to delete. */
export const RUN_LIMITS = {
  entries: BATCH * MAX_BATCHES,
  objects: TRASH_BATCH * MAX_BATCHES,
} as const;

/** What a run of the collector did. */
export interface Collection {
  manifests: number; // that nothing held; they can be restored
  expired: number; // deleted manifests whose time to be restored was over
  links: number; // blobs that repositories do not see any more
  blobs: number; // that nothing held
  bytes: number; // of those
  objects: number; // deleted from R2, a day after their blob
  isDone: boolean; // false when there is more to do now
}

/**
 * Takes what nothing holds, from the manifests down to the objects in R2. Each batch is a transaction
 * that looks again before it takes, so runs may overlap, and one that is cut off is gone on with by
 * the next.
 *
 * @throws what a part failed with, the first that did: after the others have done their work
 */
export async function collect(stores: Stores): Promise<Collection> {
  const done = { manifests: 0, expired: 0, links: 0, blobs: 0, bytes: 0, objects: 0 };
  const { collection, trash } = stores.metadata;
  const { results, failures } = await takeSteps({
    manifests: inBatches(async () => {
      const entries = await collection.due('manifest', BATCH);
      const untagged = await untaggedWindows(stores, entries);
      if (entries.length > 0) {
        done.manifests += await collection.reviewManifests(untagged);
      }
      return entries.length === BATCH;
    }),
    expiry: inBatches(async () => {
      const expired = await collection.expireDeleted(BATCH);
      done.expired += expired;
      return expired === BATCH;
    }),
    blobs: inBatches(async () => {
      const entries = await collection.due('blob', BATCH);
      if (entries.length > 0) {
        const { links, blobs, bytes } = await collection.reviewBlobs(entries);
        done.links += links;
        done.blobs += blobs;
        done.bytes += bytes;
      }
      return entries.length === BATCH;
    }),
    trash: inBatches(async () => {
      const keys = await trash.due(TRASH_BATCH);
      await stores.blobs.delete(keys);
      await trash.forget(keys); // object first, row second: a run that is cut off is repeated
      done.objects += keys.length;
      return keys.length === TRASH_BATCH;
    }),
  });
  if (failures.length > 0) {
    throw failures[0];
  }
  return { ...done, isDone: Object.values(results).every(Boolean) };
}

/** Repeats a batch while it says that there is more. False when that is so after all of them. */
function inBatches(batch: () => Promise<boolean>): () => Promise<boolean> {
  return async () => {
    for (let round = 0; round < MAX_BATCHES; round++) {
      if (!(await batch())) {
        return true;
      }
    }
    return false;
  };
}
