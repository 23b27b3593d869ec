import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contestant } from './contestants/contestant.ts';
import type { RunningLimits } from './contestants/limits.ts';
import type { Operation } from './operations/operation.ts';
import { operationsOf, type Plan } from './plan.ts';
import { Progress } from './progress.ts';
import type { Reading, Sample } from './samples.ts';
import { makeSeed, type Seed } from './seed.ts';
import { LimitSubject } from './subjects/limit-subject.ts';
import { RegistrySubject } from './subjects/registry-subject.ts';
import type { Subject } from './subjects/subject.ts';

/** What to run. */
export interface Run {
  contestants: readonly Contestant[];
  plan: Plan;
  chooses: (operation: string) => boolean;
  folder: string;
  signal: AbortSignal;
}

/** What came of it. */
export interface Outcome {
  samples: Sample[];
  failures: string[]; // a line for each measurement that could not be made
}

/**
 * Measures every operation on one contestant right after the other, in an order that turns with
 * each round. A round begins with empty servers.
 */
export async function runRounds(run: Run): Promise<Outcome> {
  const { contestants, plan, chooses } = run;
  const outcome: Outcome = { samples: [], failures: [] };
  const names = operationsOf(plan, makeSeed()).filter(({ name }) => chooses(name));
  const progress = new Progress(plan.rounds * contestants.length * names.length);
  try {
    for (let round = 1; round <= plan.rounds; round++) {
      const folder = join(run.folder, `round-${round}`);
      const first = (round - 1) % contestants.length;
      const turned = [...contestants.slice(first), ...contestants.slice(0, first)];
      await runRound({ ...run, contestants: turned, folder }, round, progress, outcome);
      await rm(folder, { recursive: true, force: true });
    }
  } finally {
    progress.stop();
  }
  return outcome;
}

async function runRound(
  run: Run,
  round: number,
  progress: Progress,
  { samples, failures }: Outcome,
): Promise<void> {
  const { contestants, plan, chooses, folder, signal } = run;
  const seed = makeSeed();
  const subjects: Subject[] = [];
  try {
    for (const contestant of contestants) {
      subjects.push(await start(contestant, seed, join(folder, contestant.name), signal));
    }
    for (const operation of operationsOf(plan, seed).filter(({ name }) => chooses(name))) {
      for (const subject of subjects) {
        const { name: contestant } = subject;
        signal.throwIfAborted();
        const step = `round ${round}: ${operation.name}: ${contestant}`;
        progress.begin(step);
        try {
          const readings = operation.fits(subject) ? await measure(operation, subject) : [];
          samples.push(...readings.map((reading) => ({ ...reading, contestant, round })));
        } catch (error) {
          signal.throwIfAborted();
          failures.push(`${step}: ${error instanceof Error ? error.message : error}`);
        }
        progress.advance();
      }
    }
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
}

/** What others have written is on the disk before this one is measured. */
async function measure(operation: Operation, subject: Subject): Promise<Reading[]> {
  await promisify(execFile)('sync');
  await subject.renew();
  return operation.measure(subject);
}

async function start(
  contestant: Contestant,
  seed: Seed,
  folder: string,
  signal: AbortSignal,
): Promise<Subject> {
  const { name, kind } = contestant;
  await mkdir(folder, { recursive: true });
  const running = await contestant.start({ folder, signal });
  try {
    return kind === 'limit'
      ? await LimitSubject.create(name, running as RunningLimits, seed)
      : await RegistrySubject.create(name, running, seed);
  } catch (error) {
    await running.stop();
    throw error;
  }
}
