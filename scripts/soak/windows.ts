/** How long what the registry of a soak lets go of stays, in seconds; see storage/metadata/lifetimes.ts. */
export interface Windows {
  lease: number;
  review: number;
  untagged: number;
  trash: number;
  orphan: number;
  restore: number; // a deleted manifest stays this long
}

/**
 * Windows from the lease: the review is short, so that only the lease keeps what was just uploaded; the
 * trash is longer than anybody reads from a busy machine.
 */
export function windowsFrom(lease: number): Windows {
  return {
    lease,
    review: Math.ceil(lease / 5),
    untagged: lease,
    trash: 2 * lease,
    orphan: 2 * lease,
    restore: Math.ceil(lease / 2),
  };
}

/** The database counts whole seconds, so a promise of `n` may be a second short; and some to spare. */
export const SLACK = 1500; // milliseconds
