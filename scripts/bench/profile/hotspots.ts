import type { CpuProfile } from './inspector.ts';

const SHOWN = 40;

/** The functions that took most of the time themselves, with their share of all that was not idle. */
export function toHotspots({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url === '' ? '' : `${url}:${lineNumber + 1}`}`,
    ]),
  );
  const times = new Map<string, number>(); // microseconds
  let total = 0;
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    const delta = timeDeltas[at] ?? 0;
    if (!name.startsWith('(idle)')) {
      times.set(name, (times.get(name) ?? 0) + delta);
      total += delta;
    }
  }
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}
