/**
 * Puts load on a registry that it starts, and sees whether it keeps what it promises: right answers,
 * memory that does not grow, slow readers that hold nobody up, many pulls at once.
 *
 *     npm run load                             # about 25 minutes
 *     npm run load -- --only mixed --minutes 5
 *     npm run load -- --only slow --readers 200 --rounds 2 --seconds 15
 *     npm run load -- --only storm --pulls 500 --login admin
 *     npm run load -- --out docs               # also writes docs/load.md
 *
 * Needs Linux, for the memory is read from /proc.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { interruption } from './edgewater/interruption.ts';
import { toMarkdown } from './load/report/markdown.ts';
import { loadAll, type Results, save } from './load/results.ts';
import { runLoad, SCENARIOS } from './load/run-load.ts';
import type { Settings } from './load/scenario.ts';

const options = new Command('npm run load --')
  .description('Put load on a registry')
  .option('--only <names>', 'mixed, slow, storm; several with commas', parseNames)
  .option('--minutes <number>', 'how long mixed lasts', parsePositive, 15)
  .option('--connections <number>', 'at which it pushes and pulls', parseCount, 64)
  .option('--readers <number>', 'how many are slow', parseCount, 200)
  .option('--rounds <number>', 'of slow, each with the readers and without', parseCount, 4)
  .option('--seconds <number>', 'that each half of such a round is measured', parsePositive, 20)
  .option('--pulls <number>', 'that begin at once in storm', parseCount, 500)
  .option('--seed <number>', 'repeats what mixed does', parseCount, Math.ceil(Math.random() * 1e9))
  .addOption(
    new Option('--login <who>', 'a robot, or admin by password, whose logins the throttle counts')
      .choices(['robot', 'admin'])
      .default('robot'),
  )
  .option('--out <folder>', 'where load.md goes, if anywhere')
  .option('--results <file>', 'where the measurements go', 'results/load.json')
  .option('--report <files>', 'make the report of such files, with commas, and measure nothing')
  .parse()
  .opts<
    Omit<Settings, 'who'> & {
      only?: string[];
      login: Settings['who'];
      out?: string;
      results: string;
      report?: string;
    }
  >();

const interrupted = interruption('interrupted');
const folder = await mkdtemp(join(tmpdir(), 'edgewater-load-'));
try {
  const results =
    options.report === undefined ? await measure() : await loadAll(options.report.split(','));
  if (options.out !== undefined) {
    await mkdir(options.out, { recursive: true });
    await writeFile(join(options.out, 'load.md'), toMarkdown(results));
  }
  if (results.outcomes.some(({ pledges }) => pledges.some(({ isKept }) => !isKept))) {
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`load: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(): Promise<Results> {
  console.error(`load: the seed is ${options.seed}`);
  const results = await runLoad(
    { folder, signal: interrupted, settings: { ...options, who: options.login } },
    options.only ?? Object.keys(SCENARIOS),
    ['npm run load', ...shownArguments()].join(' '),
  );
  await save(options.results, results);
  return results;
}

function shownArguments(): string[] {
  const given = process.argv.slice(2);
  return given.length === 0 ? [] : ['--', ...given];
}

function parsePositive(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError('It has to be a number above 0.');
  }
  return number;
}

function parseCount(text: string): number {
  const count = parsePositive(text);
  if (!Number.isInteger(count)) {
    throw new InvalidArgumentError('It has to be a whole number.');
  }
  return count;
}

function parseNames(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '');
  const strange = names.find((name) => !(name in SCENARIOS));
  if (strange !== undefined) {
    throw new InvalidArgumentError(`There is no ${strange}.`);
  }
  return names;
}
