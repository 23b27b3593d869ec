import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { edgewater } from '../bench/contestants/edgewater.ts';
import { describeMachine } from '../bench/machine.ts';
import { mixed } from './mixed/mixed.ts';
import { toText } from './report/terminal.ts';
import type { Results } from './results.ts';
import type { Outcome, Scenario, Stage } from './scenario.ts';
import { slow } from './slow/slow.ts';
import { storm } from './storm/storm.ts';

const LOG_LINES = 20;

export const SCENARIOS: Readonly<Record<string, Scenario>> = { mixed, slow, storm };

/** Runs scenarios, each on a registry of its own, and tells what came of it. */
export async function runLoad(
  stage: Stage,
  names: readonly string[],
  command: string,
): Promise<Results> {
  const date = new Date().toISOString();
  const found = await edgewater().prepare();
  const outcomes: Outcome[] = [];
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (names.includes(name)) {
      const folder = join(stage.folder, name);
      const outcome = await scenario({ ...stage, folder }).catch(async (error: unknown) => {
        await showLog(folder);
        throw error;
      });
      console.log(toText(outcome));
      if (outcome.failures.length > 0) {
        await showLog(folder);
      }
      outcomes.push(outcome);
      await rm(folder, { recursive: true, force: true });
    }
  }
  const version = 'version' in found ? found.version : 'an unknown version';
  return { date, command, version, machine: await describeMachine(stage.folder), outcomes };
}

/** What the registry said last: its folder goes, and the log with it. */
async function showLog(folder: string): Promise<void> {
  const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
  const lines = log.trimEnd().split('\n').slice(-LOG_LINES);
  console.error(lines.map((line) => `load: the registry: ${line}`).join('\n'));
}
