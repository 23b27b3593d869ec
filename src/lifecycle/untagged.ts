import type { QueueEntry, ReviewedManifest } from '../storage/metadata/collection.ts';
import type { Stores } from '../storage/stores.ts';

/** Adds to each manifest how long one that nothing holds stays in its repository. */
export async function untaggedWindows(
  { lifetimes }: Stores,
  entries: readonly QueueEntry[],
): Promise<ReviewedManifest[]> {
  return entries.map((entry) => ({ ...entry, untagged: lifetimes.untagged }));
}
