/** How long what the registry of a soak lets go of stays, in seconds; see storage/metadata/lifetimes.ts. */
export interface Windows {
  lease: number;
  review: number;
  untagged: number;
  trash: number;
  orphan: number;
  restore: number; // a deleted manifest stays this long
}

/** Windows that are to each other about as the real ones are, from the lease. */
export function windowsFrom(lease: number): Windows {
  return {
    lease,
    review: Math.ceil(lease / 3),
    untagged: lease,
    trash: Math.ceil(lease / 3),
    orphan: 2 * lease,
    restore: Math.ceil(lease / 2),
  };
}

/** The database counts whole seconds, so a promise of `n` may be a second short; and some to spare. */
export const SLACK = 1500; // milliseconds
