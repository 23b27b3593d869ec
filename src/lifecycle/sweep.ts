import type { BlobStore } from '../storage/blob-store.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';

/** Keys per round: what R2 deletes in one call. */
const BATCH = 1000;

/** Rounds per run: far below the limits of one invocation. */
const MAX_ROUNDS = 20;

/** An upload whose own alarm has not ended it this long after its end has lost the alarm. */
const OVERDUE = 60 * 60; // seconds

/**
 * Deletes from R2 what has been in the trash for its grace, and gives up uploads that lost their
 * alarm, and forgets credentials that have expired. Object first, row second: an interrupted run is repeated by the next.
 *
 * @returns how many objects it deleted
 */
export async function sweep(metadata: MetadataStore, blobStore: BlobStore): Promise<number> {
  await metadata.uploads.abandonOverdue(OVERDUE);
  await metadata.credentials.forgetExpired();
  let deleted = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const keys = await metadata.trash.due(BATCH);
    if (keys.length === 0) {
      break;
    }
    await blobStore.delete(keys);
    await metadata.trash.forget(keys);
    deleted += keys.length;
  }
  return deleted;
}
