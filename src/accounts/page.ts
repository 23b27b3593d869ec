/** What a list is asked for: at most `limit` entries behind the key `after`. */
export interface PageRequest {
  after: string;
  limit: number;
}

/** A part of a list, and the key to go on after; null at the end. */
export interface Page<Entry> {
  entries: Entry[];
  next: string | null;
}

/** Reads one entry more than was asked for, to know whether there is a next page. */
export async function readPage<Entry>(
  { after, limit }: PageRequest,
  read: (after: string, limit: number) => Promise<Entry[]>,
  keyOf: (entry: Entry) => string,
): Promise<Page<Entry>> {
  return toPage(await read(after, limit + 1), limit, keyOf);
}

/** Cuts what was read to `limit` entries. */
export function toPage<Entry>(
  read: readonly Entry[],
  limit: number,
  keyOf: (entry: Entry) => string,
): Page<Entry> {
  const entries = read.slice(0, limit);
  const last = entries.at(-1);
  return { entries, next: read.length > limit && last !== undefined ? keyOf(last) : null };
}
