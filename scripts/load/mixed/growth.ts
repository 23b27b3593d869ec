import { toNumber } from '../../bench/report/tables.ts';
import { median, percentile } from '../../bench/samples.ts';
import type { Memory, MemorySample } from '../memory.ts';
import type { Pledge, Table } from '../scenario.ts';
import { type Fit, fitLine } from '../slope.ts';

/** Caches fill and heaps find their size in the first part of the time. */
const WARM_UP = 0.2;

/**
 * Points lay some 36 MB off the line in a run of five minutes. Over the twelve that count of fifteen
 * that is an error of 0.9 MB a minute, so less than about this cannot be told from nothing; shorter
 * runs tell less, which the column of errors shows.
 */
const FLAT = 2e6; // bytes a minute

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
  return { table, fit, pledge: toPledge(fit) };
}

function toPledge({ slope }: Fit): Pledge {
  return {
    text: `memory is flat: it grows by less than ${FLAT / 1e6} MB a minute`,
    isKept: slope < FLAT,
  };
}
