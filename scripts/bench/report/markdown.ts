import { metricsOf, OURS, type Results, ratio, summarize } from '../results.ts';
import type { Unit } from '../samples.ts';
import { toMachine } from './machine.ts';
import { METHOD } from './method.ts';
import { toNumber, toRatio, toTable } from './tables.ts';
import { toTargetTable } from './target-table.ts';
import { toZbTable } from './zb-table.ts';

const SECTIONS: Readonly<Record<Unit, string>> = {
  'requests/s': 'Requests a second',
  'MB/s': 'Blobs, MB/s',
  ms: 'Times, ms',
};

const MEANING: Readonly<Record<Unit, string>> = {
  'requests/s': 'Higher is better; a ratio above 1 means that Edgewater answers more.',
  'MB/s':
    'Higher is better; a ratio above 1 means that Edgewater is faster. 1 MB is 1,000,000 bytes.',
  ms: 'Lower is better; a ratio below 1 means that Edgewater takes less time.',
};

/** The report of a run. */
export function toMarkdown(results: Results): string {
  return [
    '# Benchmarks',
    `Made by \`${results.command}\` on ${results.date.slice(0, 10)}, ` +
      `medians of ${results.rounds} interleaved ${results.rounds === 1 ? 'round' : 'rounds'}.`,
    '![Edgewater’s speed by that of others](benchmarks.svg)',
    '## Targets',
    toTargetTable(results),
    ...(Object.keys(SECTIONS) as Unit[]).flatMap((unit) => toSection(results, unit)),
    ...toZbTable(results),
    '## What ran',
    toContestants(results),
    toMachine(results.machine),
    ...toFailures(results),
    METHOD,
    '',
  ].join('\n\n');
}

function toSection(results: Results, unit: Unit): string[] {
  const names = Object.keys(results.versions);
  const others = names.filter((name) => name !== OURS);
  const own = metricsOf(results).filter((metric) =>
    names.some((name) => summarize(results, metric, name)?.unit === unit),
  );
  if (own.length === 0) {
    return [];
  }
  const rows = own.map((metric) => [
    metric,
    ...names.map((name) => toNumber(summarize(results, metric, name)?.value ?? null)),
    ...others.map((name) => toRatio(ratio(results, metric, name))),
  ]);
  const latencies = own
    .filter((metric) => summarize(results, metric, OURS)?.p99 != null)
    .map((metric) => [
      metric,
      ...names.map((name) => toNumber(summarize(results, metric, name)?.p99 ?? null)),
    ]);
  return [
    `## ${SECTIONS[unit]}`,
    MEANING[unit],
    toTable(['', ...names, ...others.map((name) => `to ${name}`)], rows),
    ...(latencies.length === 0
      ? []
      : ['99th percentile of the time that one takes, ms:', toTable(['', ...names], latencies)]),
  ];
}

function toContestants({ versions, absent }: Results): string {
  const rows = Object.entries(versions);
  const missing = Object.entries(absent)
    .filter(([name]) => !name.startsWith('zb')) // has a section of its own
    .map(([name, why]) => [name, `did not run: ${why}`]);
  return toTable(['contestant', 'version'], [...rows, ...missing]);
}

function toFailures({ failures }: Results): string[] {
  const lines = failures.map((failure) => `- ${failure}`);
  return lines.length === 0 ? [] : ['What could not be measured:', lines.join('\n')];
}
