/** Which entries of a list are wanted: at most `limit` that sort after `last`. */
export interface PageRequest {
  last: string;
  limit: number;
}

/** One page, and whether another one follows. */
export interface Listing<T> {
  entries: T[];
  hasMore: boolean;
}

/** Makes a page of `found`, for which one entry more than the limit was asked. */
export function toListing<T>(found: T[], limit: number): Listing<T> {
  return { entries: found.slice(0, limit), hasMore: limit > 0 && found.length > limit };
}
