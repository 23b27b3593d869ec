/**
 * Measures the registry beside others and beside what its runtime can do at all, and writes
 * docs/benchmarks.md and docs/benchmarks.svg:
 *
 *     npm run bench                            # about 15 minutes
 *     npm run bench -- --quick                 # a smoke run
 *     npm run bench -- --full                  # also a blob of 1 GiB, and more rounds; 20 GB of disk
 *     npm run bench -- --only edgewater,limit,streamed --out results/streamed
 *     npm run bench -- --report results/bench.json
 *
 * Needs wrk and openssl; docker-registry, zot, zb, and Go to build distribution, take part where
 * they are. `npm run profile` finds what takes the time.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { hasWrk } from './bench/load/wrk.ts';
import { PLANS, type Plan } from './bench/plan.ts';
import { toChart } from './bench/report/chart.ts';
import { toMarkdown } from './bench/report/markdown.ts';
import { load, type Results, save } from './bench/results.ts';
import { runBench } from './bench/run-bench.ts';

const options = new Command('npm run bench --')
  .description('Measure the registry beside others')
  .option('--quick', 'a smoke run of a minute or two')
  .option('--full', 'also a blob of 1 GiB, and more rounds')
  .option('--rounds <number>', 'how often everything is measured', parseCount)
  .option(
    '--only <names>',
    'contestants, or parts of names of operations, with commas',
    parseNames,
    [],
  )
  .option('--zot <path>', 'the program, when it is not on the PATH')
  .option('--zb <path>', 'the same, for zot’s own benchmark')
  .option('--out <folder>', 'where the report goes; else docs, or results for a part of it')
  .option('--results <file>', 'where the measurements go', 'results/bench.json')
  .option('--report <file>', 'make the report of such a file again, and measure nothing')
  .parse()
  .opts<{
    quick?: true;
    full?: true;
    rounds?: number;
    only: string[];
    zot?: string;
    zb?: string;
    out?: string;
    results: string;
    report?: string;
  }>();

try {
  const results = options.report === undefined ? await measure() : await load(options.report);
  const isWhole = !options.quick && options.only.length === 0;
  const out = options.out ?? (isWhole ? 'docs' : 'results');
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'benchmarks.md'), toMarkdown(results));
  await writeFile(join(out, 'benchmarks.svg'), toChart(results));
  for (const failure of results.failures) {
    console.error(`bench: ${failure}`);
    process.exitCode = 1;
  }
  console.log(`bench: the report is ${join(out, 'benchmarks.md')}`);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function measure(): Promise<Results> {
  if (!(await hasWrk())) {
    throw new Error('wrk makes the load: apt-get install wrk');
  }
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interruption.abort(new Error('interrupted')));
  }
  const folder = await mkdtemp(join(tmpdir(), 'edgewater-bench-'));
  try {
    const results = await runBench({
      plan: choosePlan(),
      only: options.only,
      programs: { zot: options.zot, zb: options.zb },
      command: ['npm run bench', ...shownArguments()].join(' '),
      folder,
      signal: interruption.signal,
    });
    await save(options.results, results);
    return results;
  } catch (error) {
    interruption.signal.throwIfAborted(); // what went wrong then did so for that reason
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function choosePlan(): Plan {
  const plan = PLANS[options.quick ? 'quick' : options.full ? 'full' : 'default'];
  return { ...plan, rounds: options.rounds ?? plan.rounds };
}

function shownArguments(): string[] {
  const given = process.argv.slice(2);
  return given.length === 0 ? [] : ['--', ...given];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidArgumentError('It has to be a number from 1 on.');
  }
  return count;
}

function parseNames(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}
