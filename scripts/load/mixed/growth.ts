import { toNumber } from '../../bench/report/tables.ts';
import { median, percentile } from '../../bench/samples.ts';
import type { Memory, MemorySample } from '../memory.ts';
import type { Pledge, Table } from '../scenario.ts';
import { fitLine } from '../slope.ts';

/** Caches fill and heaps find their size in the first part of the time. */
const WARM_UP = 0.2;

/**
 * workerd keeps some kilobytes of every Durable Object that it ever had: a Worker with nothing but
 * one that writes a value kept 4 KB of each, after the first thousands had brought it to 1 GB. Every
 * upload is one, so 4,000 of them a minute, which 64 connections make, are 10 to 15 MB. What grows
 * faster than this share of all its memory is something else.
 */
const FLAT = 0.01; // of the median, a minute

/** What is watched, and in what it is told. */
const KINDS = {
  resident: { name: 'resident memory, MB', unit: 1e6 },
  anonymous: { name: 'anonymous memory, MB', unit: 1e6 },
  files: { name: 'open files', unit: 1 },
} as const;

/** How the runtime grew once it was warm; `quiet` is what it has a while after the load. */
export function describeGrowth(
  samples: readonly MemorySample[],
  seconds: number,
  quiet: Memory | null, // when it has ended
) {
  const warm = samples.filter(({ at }) => at >= seconds * WARM_UP);
  const fitOf = (kind: keyof typeof KINDS) =>
    fitLine(warm.map((sample) => [sample.at / 60, sample[kind]]));
  const table: Table = {
    headings: ['workerd', 'min', 'median', 'max', 'slope a minute', '±', 'in quiet'],
    rows: (Object.keys(KINDS) as (keyof typeof KINDS)[]).map((kind) => {
      const { name, unit } = KINDS[kind];
      const values = warm.map((sample) => sample[kind] / unit);
      const { slope, error } = fitOf(kind);
      return [
        name,
        ...[percentile(values, 0), median(values), percentile(values, 1)].map(toNumber),
        ...[slope, error].map((value) => (value / unit).toFixed(2)),
        toNumber(quiet && quiet[kind] / unit),
      ];
    }),
  };
  const fit = fitOf('resident');
  const share = fit.slope / median(warm.map(({ resident }) => resident));
  return { table, fit, pledge: toPledge(share) };
}

function toPledge(share: number): Pledge {
  return {
    text: `memory is flat: it grows by less than ${FLAT * 100} % of itself a minute`,
    isKept: share < FLAT,
  };
}
