import type { Counts } from './counts.ts';

/** When the prices were read. */
export const PRICES_OF = '2026-11';

/**
 * Dollars per million, above what the Workers Paid plan ($5 a month) includes.
 *
 * - https://developers.cloudflare.com/workers/platform/pricing/
 * - https://developers.cloudflare.com/r2/pricing/
 * - https://developers.cloudflare.com/d1/platform/pricing/
 * - https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
const PER_MILLION: Readonly<Partial<Record<keyof Counts | 'requests', number>>> = {
  requests: 0.3,
  r2ClassA: 4.5,
  r2ClassB: 0.36,
  d1RowsRead: 0.001,
  d1RowsWritten: 1,
  objectRequests: 0.15,
};

/** What a million operations cost that each ask the platform for this much, in dollars. */
export function dollarsPerMillion(requests: number, counts: Counts): number {
  return Object.entries({ requests, ...counts })
    .map(([unit, count]) => count * (PER_MILLION[unit as keyof Counts | 'requests'] ?? 0))
    .reduce((sum, dollars) => sum + dollars, 0);
}

/** Amazon ECR, private, us-east-1. https://aws.amazon.com/ecr/pricing/ */
export const ECR = {
  egress: 0.09, // dollars per GB to the internet, up to 10 TB a month; nothing within the region
  storage: 0.1, // dollars per GB and month
};

/** https://developers.cloudflare.com/r2/pricing/ */
export const R2_STORAGE = 0.015; // dollars per GB and month
