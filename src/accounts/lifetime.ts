const DAY = 24 * 60 * 60; // seconds

/** How long a secret lasts when its maker does not say. */
export const DEFAULT_DAYS = 90;

/** The end of something that lasts so many days from now; null is never. Seconds since the epoch. */
export function endAfterDays(days: number | null): number | null {
  return days === null ? null : now() + days * DAY;
}

/** The end of something that lasts so many minutes from now. */
export function endAfterMinutes(minutes: number): number {
  return now() + minutes * 60;
}

/** The end of what is made with something that ends itself. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
