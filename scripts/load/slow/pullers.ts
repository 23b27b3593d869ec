import { median, percentile } from '../../bench/samples.ts';
import type { Random } from '../random.ts';
import type { Published, Repository } from '../repository.ts';

/** How those who pull as fast as they can got on. Times are in milliseconds. */
export interface Pace {
  rate: number; // images a second
  p50: number;
  p99: number;
  failures: string[];
}

/** Each of `repositories`, over its own connection, pulls one image after the other. */
export async function pullFast(
  repositories: readonly Repository[],
  images: readonly Published[],
  random: Random,
  seconds: number,
): Promise<Pace> {
  const times: number[] = [];
  const failures: string[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(
    repositories.map(async (repository) => {
      while (performance.now() < end) {
        const before = performance.now();
        try {
          await repository.pull(random.pick(images));
          times.push(performance.now() - before);
        } catch (error) {
          failures.push(error instanceof Error ? error.message : String(error));
        }
      }
    }),
  );
  const rate = times.length / ((performance.now() - start) / 1000);
  return { rate, p50: median(times), p99: percentile(times, 0.99), failures };
}
