import { mkdir, writeFile } from 'node:fs/promises';
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
