import type { Stores } from '../storage/stores.ts';

/** Rows of each kind in one batch; a manifest may have a body of a megabyte. */
const BATCH = 100;

/** Batches of one run, of six statements each at most. */
const MAX_BATCHES = 20;

/** What a run took apart. */
export interface Drained {
  repositories: number; // that are gone
  blobs: number; // of them, that nothing else held: they went into the trash
  bytes: number; // of those blobs
  isDone: boolean; // false when there is more to do now
}

/**
 * Takes apart the deleted repositories whose time to be restored is over: tags, indexes, manifests,
 * blobs, and the row at last. Each batch may be repeated, so runs may overlap.
 */
export async function drain({ metadata: { drain: steps } }: Stores): Promise<Drained> {
  let batches = MAX_BATCHES;
  const untilDone = async (take: () => Promise<boolean>): Promise<boolean> => {
    while (batches > 0) {
      batches -= 1;
      if (await take()) {
        return true;
      }
    }
    return false;
  };
  const drained = { repositories: 0, blobs: 0, bytes: 0 };
  const takeBlobs = async (id: number): Promise<boolean> => {
    const { isDone, blobs, bytes } = await steps.takeBlobs(id, BATCH);
    drained.blobs += blobs;
    drained.bytes += bytes;
    return isDone;
  };
  for (; ; drained.repositories++) {
    const id = await steps.next();
    if (id === null) {
      return { ...drained, isDone: true };
    }
    const isGone =
      (await untilDone(() => steps.takeManifests(id, BATCH))) &&
      (await untilDone(() => takeBlobs(id))) &&
      (await untilDone(() => steps.takeRest(id, BATCH)));
    if (!isGone) {
      return { ...drained, isDone: false };
    }
  }
}
