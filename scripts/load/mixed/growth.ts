import { toNumber } from '../../bench/report/tables.ts';
import { median } from '../../bench/samples.ts';
import type { MemorySample } from '../memory.ts';
import type { Pledge, Table } from '../scenario.ts';
import { type Fit, fitLine } from '../slope.ts';

/** Caches fill and heaps find their size in the first part of the time. */
const WARM_UP = 0.2;

/**
 * A heap that is collected now and then makes points that lie some 15 MB off the line: over twelve
 * minutes that is an error of about 0.4 MB a minute, so less than this cannot be told from nothing.
 */
const FLAT = 2e6; // bytes a minute

/** How the memory of the runtime went once it was warm. */
export function describeGrowth(samples: readonly MemorySample[], seconds: number) {
  const warm = samples.filter(({ at }) => at >= seconds * WARM_UP);
  const lines = (['resident', 'anonymous'] as const).map((kind) => {
    const values = warm.map((sample) => sample[kind]);
    const fit = fitLine(warm.map((sample) => [sample.at / 60, sample[kind]]));
    return { kind, values, fit };
  });
  const table: Table = {
    headings: ['memory of workerd', 'min, MB', 'median, MB', 'max, MB', 'slope, MB/min', '±'],
    rows: lines.map(({ kind, values, fit }) => [
      kind,
      ...[Math.min(...values), median(values), Math.max(...values)].map(inMegabytes),
      (fit.slope / 1e6).toFixed(2),
      (fit.error / 1e6).toFixed(2),
    ]),
  };
  const [resident] = lines;
  return { table, pledge: toPledge(resident?.fit), fits: lines.map(({ fit }) => fit) };
}

function toPledge(fit: Fit | undefined): Pledge {
  return {
    text: `memory is flat: it grows by less than ${FLAT / 1e6} MB a minute`,
    isKept: fit !== undefined && fit.slope < FLAT,
  };
}

function inMegabytes(bytes: number): string {
  return toNumber(bytes / 1e6);
}
