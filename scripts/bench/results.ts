import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Machine } from './machine.ts';
import { median, type Sample, type Unit } from './samples.ts';
import type { ZbResult } from './zb.ts';

/** Everything that the report is made of. */
export interface Results {
  date: string; // ISO 8601
  command: string;
  rounds: number;
  machine: Machine;
  versions: Record<string, string>; // of the contestants, in their order
  absent: Record<string, string>; // why others did not take part
  samples: Sample[];
  failures: string[]; // a line for each measurement that could not be made
  zb: ZbResult[];
}

/** One metric of one contestant: medians over the rounds. Latencies are in milliseconds. */
export interface Summary {
  value: number;
  unit: Unit;
  p50: number | null;
  p99: number | null;
}

export const OURS = 'edgewater';

export async function save(path: string, results: Results): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(results, null, 1)}\n`);
}

export async function load(path: string): Promise<Results> {
  return JSON.parse(await readFile(path, 'utf8'));
}

/** The names of all metrics, in the order in which they were measured. */
export function metricsOf({ samples }: Results): string[] {
  return [...new Set(samples.map(({ metric }) => metric))];
}

/** Null when this contestant has no such metric. */
export function summarize(
  { samples }: Results,
  metric: string,
  contestant: string,
): Summary | null {
  const own = samples.filter((it) => it.metric === metric && it.contestant === contestant);
  const [first] = own;
  if (first === undefined) {
    return null;
  }
  const middle = (values: (number | null)[]) =>
    values.includes(null) ? null : median(values.filter((value) => value !== null));
  return {
    value: median(own.map(({ value }) => value)),
    unit: first.unit,
    p50: middle(own.map(({ p50 }) => p50)),
    p99: middle(own.map(({ p99 }) => p99)),
  };
}

/** Edgewater's value by another's: made in each round, and the median of these. */
export function ratio({ samples }: Results, metric: string, against: string): number | null {
  const ratios: number[] = [];
  for (const ours of samples.filter((it) => it.metric === metric && it.contestant === OURS)) {
    const theirs = samples.find(
      (it) => it.metric === metric && it.contestant === against && it.round === ours.round,
    );
    if (theirs !== undefined) {
      ratios.push(ours.value / theirs.value);
    }
  }
  return ratios.length === 0 ? null : median(ratios);
}
