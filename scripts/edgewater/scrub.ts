import { randomInt } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { formatBytes, formatCount } from './amount.ts';
import { interruption } from './interruption.ts';
import type { Columns } from './output.ts';
import { KeptReport, type Problem, type Report } from './scrub/report.ts';
import { runScrub } from './scrub/run-scrub.ts';
import { openSession } from './session.ts';
import { openProgress } from './upload/open-progress.ts';
import { requireRegistry } from './upload/require-registry.ts';

interface ScrubCommandOptions {
  sample?: number;
  resume?: true;
  quiet?: true;
}

const COLUMNS: Columns<Problem> = {
  problem: ({ kind }) => kind,
  where: ({ where }) => where,
  repository: ({ repository }) => repository,
  digest: ({ digest }) => digest,
  detail: ({ detail }) => detail,
};

/** scrub. */
export function addScrubCommand(program: Command): void {
  program
    .command('scrub')
    .description(
      'read all that is stored and compare it with its digests; exit code 1 for problems',
    )
    .option(
      '--sample <percent>',
      'read only so much of it, as 10%, other objects each time; left out: all',
      parseSample,
    )
    .option('--resume', 'go on where the last one was broken off')
    .option('--quiet', 'no progress')
    .action(scrub);
}

async function scrub(options: ScrubCommandOptions, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const { registry, login } = api;
  await requireRegistry(registry);
  const kept = new KeptReport(registry);
  const begun = options.resume ? await kept.read() : newReport(options.sample ?? 1);
  const progress = openProgress(options.quiet ?? false, 'read');
  const signal = interruption('broken off; "edgewater scrub --resume" goes on');
  const report = await runScrub(begun, { registry, login, kept, progress, signal }).finally(() =>
    progress.stop(),
  );
  const { objects, bytes, problems, orphans } = report;
  output.table({ objects, bytes, problems, orphans }, problems, COLUMNS, sayOf(report));
  if (problems.length > 0) {
    output.note(sayOf(report));
    process.exitCode = 1;
  }
}

function sayOf({ total, objects, bytes, problems, orphans }: Report): string {
  const unnamed =
    orphans.objects === 0
      ? 'nothing'
      : `${formatCount(orphans.objects, 'object')} (${formatBytes(orphans.bytes)})`;
  if (objects === 0) {
    return total.objects === 0
      ? `There is nothing to read; ${unnamed} that no row names`
      : `None of ${formatCount(total.objects, 'object')} was in the sample: take a larger one`;
  }
  return (
    `${objects} of ${formatCount(total.objects, 'object')} (${formatBytes(bytes)}) read: ` +
    `${problems.length === 0 ? 'no problems' : formatCount(problems.length, 'problem')}; ` +
    `${unnamed} that no row names`
  );
}

function newReport(every: number): Report {
  return {
    total: { objects: 0, bytes: 0 },
    sample: { every, offset: randomInt(every) },
    objects: 0,
    bytes: 0,
    problems: [],
    orphans: { objects: 0, bytes: 0 },
    place: null,
  };
}

/** Reads "10%": one object of how many. @throws InvalidArgumentError */
function parseSample(text: string): number {
  const percent = Number(/^(\d{1,3}(?:\.\d{1,2})?)%?$/.exec(text)?.[1]);
  if (!(percent >= 0.01 && percent <= 100)) {
    throw new InvalidArgumentError('It has to be as 10%, of 0.01 to 100.');
  }
  return Math.round(100 / percent);
}
