import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findCommand } from '../clients/commands.ts';
import type { Contestant } from './contestants/contestant.ts';
import { distribution, dockerRegistry } from './contestants/distribution.ts';
import { edgewater } from './contestants/edgewater.ts';
import { limits } from './contestants/limits.ts';
import { TokenSigner } from './contestants/token-signer.ts';
import { zot } from './contestants/zot.ts';
import { describeMachine } from './machine.ts';
import type { Plan } from './plan.ts';
import type { Results } from './results.ts';
import { type Run, runRounds } from './run-rounds.ts';
import { runZb, type ZbResult } from './zb.ts';

/** What to measure. */
export interface BenchOptions {
  plan: Plan;
  only: readonly string[]; // contestants, or parts of names of operations; empty for all
  programs: { zot: string | undefined; zb: string | undefined };
  command: string; // as the user gave it
  folder: string;
  signal: AbortSignal;
}

/** Measures everything that is asked for, on all that are here. */
export async function runBench(options: BenchOptions): Promise<Results> {
  const { plan, programs, command, folder, signal } = options;
  const signer = await TokenSigner.create(folder);
  const all = [
    edgewater(),
    dockerRegistry(signer),
    distribution(signer),
    zot(signer, programs.zot),
    limits(),
  ];
  const names = all.map(({ name }) => name);
  const chosen = options.only.filter((name) => names.includes(name));
  const operations = options.only.filter((name) => !names.includes(name));
  const asked = all.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
  const { present, versions, absent } = await prepare(asked);
  const chooses = (operation: string) =>
    operations.length === 0 || operations.some((part) => operation.includes(part));
  const run = { contestants: present, plan, chooses, folder, signal };
  const date = new Date().toISOString();
  const { samples, failures } = await runRounds(run);
  if (samples.length === 0 && !chooses('zb')) {
    throw new Error(`nothing is called ${operations.join(', ')}; contestants: ${names.join(', ')}`);
  }
  const zb = chooses('zb') ? await runZbOnAll(programs.zb, run, absent) : [];
  const machine = await describeMachine(folder);
  return { date, command, rounds: plan.rounds, machine, versions, absent, samples, failures, zb };
}

async function prepare(contestants: readonly Contestant[]) {
  const present: Contestant[] = [];
  const versions: Record<string, string> = {};
  const absent: Record<string, string> = {};
  for (const contestant of contestants) {
    const found = await contestant
      .prepare()
      .catch((error: unknown) => ({ why: `it could not be had: ${error}` }));
    if ('version' in found) {
      present.push(contestant);
      versions[contestant.name] = found.version;
    } else {
      absent[contestant.name] = found.why;
      console.error(`bench: ${contestant.name} does not run: ${found.why}`);
    }
  }
  return { present, versions, absent };
}

/** Those on which it fails, and why, go to `absent`. */
async function runZbOnAll(
  path: string | undefined,
  { contestants, folder, signal }: Run,
  absent: Record<string, string>,
): Promise<ZbResult[]> {
  const program = path ?? (await findCommand('zb'));
  if (program === null) {
    absent.zb = 'not found: put it on the PATH, or name it with --zb';
    return [];
  }
  const results: ZbResult[] = [];
  for (const contestant of contestants.filter(({ kind }) => kind === 'registry')) {
    console.error(`bench: zb: ${contestant.name}`);
    const own = join(folder, `zb-${contestant.name}`);
    await mkdir(own);
    try {
      results.push(...(await runZb(program, contestant, { folder: own, signal })));
    } catch (error) {
      signal.throwIfAborted();
      absent[`zb on ${contestant.name}`] = error instanceof Error ? error.message : `${error}`;
    }
    await rm(own, { recursive: true, force: true });
  }
  return results;
}
