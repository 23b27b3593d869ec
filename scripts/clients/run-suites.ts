import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accounts } from './accounts.ts';
import { Bench } from './bench.ts';
import type { Result } from './report.ts';
import type { Action, ClientSuite } from './suite.ts';

/** Where to run suites, and against which registry. */
export interface SuiteRunOptions {
  url: string;
  prefix: string; // the namespace of the repositories
  accounts: Accounts | null; // null for a registry without login
  folder: string;
  signal: AbortSignal;
}

/** Runs one client after the other, each in a folder that is gone afterwards. */
export async function runSuites(
  suites: readonly ClientSuite[],
  options: SuiteRunOptions,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const suite of suites) {
    if (!options.signal.aborted) {
      results.push(...(await runSuite(suite, options)));
    }
  }
  return results;
}

async function runSuite(suite: ClientSuite, options: SuiteRunOptions): Promise<Result[]> {
  const client = suite.name;
  const availability = await suite
    .isAvailable()
    .catch((error: unknown) => ({ why: `it could not be built: ${messageOf(error)}` }));
  if ('why' in availability) {
    const { why: remark } = availability;
    console.log(`${client}: not run: ${remark}`);
    return [{ client, version: '', action: '', outcome: 'not run', seconds: null, remark }];
  }
  const folder = join(options.folder, client);
  await mkdir(folder);
  const bench = await Bench.create({ ...options, client, folder });
  const results: Result[] = [];
  const perform = async (action: Action) => {
    const row = await runAction(client, action);
    results.push({ client, version: availability.version, ...row });
  };
  const actions: Action[] = [];
  try {
    await perform({
      name: 'start',
      run: async () => void actions.push(...(await suite.actions(bench))),
    });
    for (const action of actions) {
      if (!options.signal.aborted) {
        await perform(action);
      }
    }
    await perform({ name: 'stop', run: () => bench.close() });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

async function runAction(
  client: string,
  { name, run }: Action,
): Promise<Omit<Result, 'client' | 'version'>> {
  const started = performance.now();
  const row = (outcome: Result['outcome'], remark: string) => ({
    action: name,
    outcome,
    seconds: (performance.now() - started) / 1000,
    remark,
  });
  try {
    const remark = (await run()) ?? '';
    console.log(`${client}: ${name}: ok ${remark}`.trimEnd());
    return row('ok', remark);
  } catch (error) {
    console.error(`${client}: ${name}: FAILED\n${messageOf(error)}`);
    return row('FAILED', summaryOf(messageOf(error)));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The line that tells most; all of them have been printed. */
function summaryOf(text: string): string {
  const lines = text.split('\n');
  const line = lines.find((line) => /\berror\b/i.test(line)) ?? lines[0] ?? '';
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}
