import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Machine } from '../bench/machine.ts';
import type { Outcome } from './scenario.ts';

/** Everything that one run told. */
export interface Results {
  date: string; // ISO 8601
  command: string;
  version: string; // of the registry
  machine: Machine;
  outcomes: Outcome[];
}

export async function save(path: string, results: Results): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(results, null, 1)}\n`);
}

/** What several runs on one machine told, as if it had been one. */
export async function loadAll(paths: readonly string[]): Promise<Results> {
  const runs = await Promise.all(
    paths.map(async (path) => JSON.parse(await readFile(path, 'utf8')) as Results),
  );
  const [first] = runs;
  if (first === undefined) {
    throw new Error('name the files of results');
  }
  return {
    ...first,
    command: runs.map(({ command }) => command).join('` and `'),
    outcomes: runs.flatMap(({ outcomes }) => outcomes),
  };
}
