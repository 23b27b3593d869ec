import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contestant } from './contestants/contestant.ts';
import type { RunningLimits } from './contestants/limits.ts';
import { operationsOf, type Plan } from './plan.ts';
import { Progress } from './progress.ts';
import type { Sample } from './samples.ts';
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

/**
 * Measures every operation on one contestant right after the other, in an order that turns with
 * each round. A round begins with empty servers.
 */
export async function runRounds(run: Run): Promise<Sample[]> {
  const { contestants, plan, chooses } = run;
  const samples: Sample[] = [];
  const names = operationsOf(plan, makeSeed()).filter(({ name }) => chooses(name));
  const progress = new Progress(plan.rounds * contestants.length * names.length);
  try {
    for (let round = 1; round <= plan.rounds; round++) {
      const turned = contestants.map((_, at) => contestants[(at + round - 1) % contestants.length]);
      const folder = join(run.folder, `round-${round}`);
      const order = turned.filter((contestant) => contestant !== undefined);
      samples.push(...(await runRound({ ...run, contestants: order, folder }, round, progress)));
      await rm(folder, { recursive: true, force: true });
    }
  } finally {
    progress.stop();
  }
  return samples;
}

async function runRound(run: Run, round: number, progress: Progress): Promise<Sample[]> {
  const { contestants, plan, chooses, folder, signal } = run;
  const seed = makeSeed();
  const samples: Sample[] = [];
  const subjects: Subject[] = [];
  try {
    for (const contestant of contestants) {
      subjects.push(await start(contestant, seed, join(folder, contestant.name), signal));
    }
    for (const operation of operationsOf(plan, seed).filter(({ name }) => chooses(name))) {
      for (const subject of subjects) {
        const { name: contestant } = subject;
        signal.throwIfAborted();
        progress.begin(`round ${round}: ${operation.name}: ${contestant}`);
        if (operation.fits(subject)) {
          await settle();
          await subject.renew();
          const readings = await operation.measure(subject);
          samples.push(...readings.map((reading) => ({ ...reading, contestant, round })));
        }
        progress.advance();
      }
    }
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
  return samples;
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

/** What one contestant has written is on the disk before the next one is measured. */
async function settle(): Promise<void> {
  await promisify(execFile)('sync');
}
