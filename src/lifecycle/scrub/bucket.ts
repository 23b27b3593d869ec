import { CONTENT_PREFIXES } from '../../storage/keys.ts';
import type { Stores } from '../../storage/stores.ts';

/** A page of the bucket's list, compared. */
interface BucketPage {
  looked: number;
  orphans: { objects: number; bytes: number };
  last: string | null; // where to go on; null at the end
}

/**
 * Counts the objects of the bucket that no row names. They are not touched: reconcile.ts takes those
 * that are old enough. It takes two lists of the page at most, for what is gone from the second was deleted.
 *
 * @param after "" or the `last` of an earlier page: the key, or the beginning of keys, to go on behind
 */
export async function scrubBucket({ metadata, blobs }: Stores, after: string): Promise<BucketPage> {
  const prefix = CONTENT_PREFIXES.find((known) => after.startsWith(known)) ?? CONTENT_PREFIXES[0];
  const { objects, isLast } = await blobs.listAfter(prefix, after);
  const unnamed = new Set(await metadata.trash.unnamed(objects.map(({ key }) => key)));
  // The trash may have been emptied between the list and the query.
  const still = unnamed.size === 0 ? [] : (await blobs.listAfter(prefix, after)).objects;
  const orphans = still.filter(({ key }) => unnamed.has(key));
  return {
    looked: objects.length,
    orphans: {
      objects: orphans.length,
      bytes: orphans.reduce((sum, { size }) => sum + size, 0),
    },
    last: isLast ? prefixAfter(prefix) : (objects.at(-1)?.key ?? null),
  };
}

function prefixAfter(prefix: string): string | null {
  return CONTENT_PREFIXES[(CONTENT_PREFIXES as readonly string[]).indexOf(prefix) + 1] ?? null;
}
