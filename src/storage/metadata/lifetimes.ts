/** How long things that are stored live, in seconds. (An upload session: uploads/upload-session.ts.) */
export interface Lifetimes {
  /**
   * Collection leaves a link alone this long after an upload, a mount or a pusher's HEAD. A HEAD renews
   * what has less than half of it left, and that half is as long as an upload session may last: so what
   * a pusher found stays while they upload the rest.
   */
  lease: number;
  /** A blob whose last referrer went stays linked at least this long after. */
  review: number;
  /**
   * A manifest that no tag, index or subject holds stays this long after it was let go of or pulled; no
   * less than the time of a review, in which its index may arrive.
   */
  untagged: number;
  /** An R2 object stays this long after its last row went, for readers that still stream it. */
  trash: number;
  /** An R2 object that no row names is an orphan when it is older than this. */
  orphan: number;
  /** An entry of the audit log stays this long; the database keeps each for 30 days at least. */
  audit: number;
  /** The copy of the database in R2 is made anew so long after the last one began. */
  copy: number;
}

const DAY = 24 * 60 * 60;

export const LIFETIMES: Lifetimes = {
  lease: 2 * DAY,
  review: DAY,
  untagged: 14 * DAY,
  trash: DAY,
  orphan: 2 * DAY,
  audit: 400 * DAY,
  copy: DAY,
};

/**
 * Reads lifetimes from JSON like `{"lease":10}`; what it does not have is as in {@link LIFETIMES}.
 */
export function readLifetimes(text = '{}'): Lifetimes {
  const given: Record<string, unknown> = JSON.parse(text);
  const entries = Object.entries(LIFETIMES).map(([name, seconds]) => {
    const own = given[name];
    return [name, Number.isSafeInteger(own) ? own : seconds];
  });
  return Object.fromEntries(entries);
}
