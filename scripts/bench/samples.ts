/** Rates are better when they are higher, times when they are lower. */
export type Unit = 'requests/s' | 'MB/s' | 'ms';

/** What one operation of one round told of one contestant. */
export interface Sample {
  metric: string;
  unit: Unit;
  value: number;
  p50: number | null; // milliseconds; null when there was only one
  p99: number | null;
  contestant: string;
  round: number;
}

/** A sample, before it is known whose it is. */
export type Reading = Omit<Sample, 'contestant' | 'round'>;

/** The smallest value that `share` of all are not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** The middle one, or what lies between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[Math.ceil(middle) - 1],
    sorted[Math.floor(middle)],
  ];
  return (low + high) / 2;
}

/** A reading made of how long each of several took, in milliseconds. */
export function readingOf(
  metric: string,
  times: readonly number[],
  bytes: number | null, // of each, for MB/s
): Reading {
  const middle = median(times);
  const several = times.length > 1;
  return {
    metric,
    unit: bytes === null ? 'ms' : 'MB/s',
    value: bytes === null ? middle : bytes / 1e6 / (middle / 1000),
    p50: several ? middle : null,
    p99: several ? percentile(times, 0.99) : null,
  };
}

/** How long something takes, in milliseconds. */
export async function time(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
