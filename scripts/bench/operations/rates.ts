import { runWrk } from '../load/wrk.ts';
import type { Seed } from '../seed.ts';
import type { Target } from '../subjects/subject.ts';
import type { Operation } from './operation.ts';

const WARM_UP = { concurrency: 16, seconds: 1 }; // wrk counts in whole seconds

/** How long each rate is measured, and with how many requests at once. */
export interface RateOptions {
  seconds: number;
  concurrencies: readonly number[];
}

/** The requests that a registry answers most often, as fast as it can. */
export function rates(seed: Seed, { seconds, concurrencies }: RateOptions): Operation[] {
  const requests: [string, 'GET' | 'HEAD', Target][] = [
    ['GET /v2/', 'GET', 'base'],
    ['manifest by digest', 'GET', 'manifest by digest'],
    ['manifest by tag', 'GET', 'manifest by tag'],
    ['HEAD blob', 'HEAD', seed.empty],
    ['blob of 1 KiB', 'GET', seed.small],
    ['blob of 64 KiB', 'GET', seed.medium],
  ];
  return requests.map(([name, method, target]) => ({
    name,
    fits: (subject) => subject.locate(target) !== null,
    async measure(subject) {
      const url = subject.locate(target) ?? '';
      const load = { url, method, authorization: subject.authorization };
      await runWrk({ ...load, ...WARM_UP });
      const readings = [];
      for (const concurrency of concurrencies) {
        const { rate, p50, p99 } = await runWrk({ ...load, concurrency, seconds });
        const metric = rateMetric(name, concurrency);
        readings.push({ metric, unit: 'requests/s' as const, value: rate, p50, p99 });
      }
      return readings;
    },
  }));
}

/** What a rate is called in the results. */
export function rateMetric(name: string, concurrency: number): string {
  return `${name}, ${concurrency} at once`;
}
