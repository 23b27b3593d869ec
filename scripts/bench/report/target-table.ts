import { type Results, ratio } from '../results.ts';
import { TARGETS } from '../targets.ts';
import { toRatio, toTable } from './tables.ts';

/** Each target with what was reached. */
export function toTargetTable(results: Results): string {
  const rows = TARGETS.map(({ metric, against, ratio: wanted, atMost = false }) => {
    const reached = ratio(results, metric, against);
    const isReached = reached !== null && (atMost ? reached <= wanted : reached >= wanted);
    return [
      `${metric}, to ${against}`,
      `${atMost ? 'at most' : 'at least'} ${toRatio(wanted)}`,
      toRatio(reached),
      reached === null ? 'not run' : isReached ? 'yes' : '**no**',
    ];
  });
  return toTable(['Edgewater’s value to that of', 'target', 'measured', 'reached'], rows);
}
