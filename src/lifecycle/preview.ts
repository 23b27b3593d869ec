import type { ManifestState, Postponed, Waiting } from '../storage/metadata/collection-preview.ts';
import type { Stores } from '../storage/stores.ts';
import { RUN_LIMITS } from './collect.ts';
import type { Collection } from './collect-all.ts';
import { untaggedWindows } from './retention/untagged.ts';

/** What the next run of the collector would do, and what has to wait. */
export interface CollectionPreview extends Collection {
  waiting: Waiting;
}

/**
 * Says what a run of the collector would do now, and changes nothing: by the conditions of the run, in
 * its order, with what each step leaves to the next. (Where a review or the trash waits for no time at
 * all, a run goes further: it takes what it has let go of itself.)
 */
export async function previewCollection(stores: Stores): Promise<CollectionPreview> {
  const { collection, collectionPreview: preview, drain, trash } = stores.metadata;
  const due = await collection.due('manifest', RUN_LIMITS.entries);
  const states = await preview.reviewManifests(await untaggedWindows(stores, due));
  const taken = states.filter(({ isTaken }) => isTaken === 1);
  const expired = await preview.expired(RUN_LIMITS.entries);
  // Deleted again, it can be restored again.
  const renewed = new Set(taken.map(({ repositoryId, digest }) => `${repositoryId} ${digest}`));
  const gone = expired.filter((key) => !renewed.has(`${key.repositoryId} ${key.digest}`));
  const entries = await collection.due('blob', RUN_LIMITS.entries);
  const blobs = await preview.reviewBlobs(entries, gone);
  const objects = await trash.countDue(RUN_LIMITS.objects);
  return {
    repositories: await drain.countDue(RUN_LIMITS.entries),
    manifests: taken.length,
    expired: gone.length + taken.filter(({ isFinal }) => isFinal === 1).length,
    ...blobs,
    objects,
    isDone:
      Math.max(due.length, expired.length, entries.length) < RUN_LIMITS.entries &&
      objects < RUN_LIMITS.objects,
    waiting: withPostponed(await preview.waiting(), states, await preview.postponedBlobs(entries)),
  };
}

/** What the review of the next run leaves for later waits as well. */
function withPostponed(
  waiting: Waiting,
  states: readonly ManifestState[],
  blobs: Postponed,
): Waiting {
  const manifests = states.filter(({ isHeld, isTaken }) => isHeld !== 1 && isTaken !== 1);
  const times = [waiting.nextReview, blobs.next, ...manifests.map(({ dueAt }) => dueAt)];
  const known = times.filter((time) => time !== null);
  return {
    ...waiting,
    queuedManifests: waiting.queuedManifests + manifests.length,
    queuedBlobs: waiting.queuedBlobs + blobs.count,
    nextReview: known.length === 0 ? null : Math.min(...known),
  };
}
