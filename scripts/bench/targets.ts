import { blobMetric } from './operations/blobs.ts';
import { rateMetric } from './operations/rates.ts';
import { SMALL_IMAGE } from './plan.ts';

/** What Edgewater is to reach: a ratio to another, in the metric's own unit. */
export interface Target {
  metric: string;
  against: 'docker-registry' | 'limit';
  ratio: number;
  atMost?: true; // for times; rates have to be at least that
}

/** All of them. Rates are compared with 16 requests at once; the tables have 1 and 64 as well. */
export const TARGETS: readonly Target[] = [
  ...['GET /v2/', 'manifest by digest', 'blob of 64 KiB'].map((name) => ({
    metric: rateMetric(name, 16),
    against: 'docker-registry' as const,
    ratio: 2,
  })),
  {
    metric: blobMetric('warm pull', '64 MiB', 'streamed'),
    against: 'docker-registry',
    ratio: 1.2,
  },
  {
    metric: blobMetric('warm pull', '64 MiB', 'monolithic'),
    against: 'docker-registry',
    ratio: 1.2,
  },
  ...['cold pull', 'warm pull'].map((what) => ({
    metric: `${what} of ${SMALL_IMAGE}`,
    against: 'docker-registry' as const,
    ratio: 1,
    atMost: true as const,
  })),
  { metric: `push of ${SMALL_IMAGE}`, against: 'docker-registry', ratio: 1.5, atMost: true },
  ...['64 MiB', '256 MiB', '1 GiB'].flatMap((size) =>
    (['push', 'cold pull'] as const).flatMap((what) =>
      (['monolithic', 'streamed'] as const).map((flow) => ({
        metric: blobMetric(what, size, flow),
        against: 'limit' as const,
        ratio: 0.9,
      })),
    ),
  ),
  { metric: rateMetric('manifest by tag', 16), against: 'limit', ratio: 0.85 },
];
