/**
 * Runs the official OCI conformance suite against a registry started for it:
 *
 *     npm run conformance                     # results in results/: report.html, results.yaml
 *     npm run conformance -- --registry http://127.0.0.1:5000
 *
 * Needs Go 1.24 or newer; where there is none it says so and ends well.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { startRegistry } from './registry/local-registry.ts';

/** The newest of the suite that the Go module proxy has. It carries no release tags. */
const SUITE =
  'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111';

/** What is skipped or disabled on purpose; the README says why. */
const EXPECTED_GAPS = ['Sparse Manifests'];

const { registry, results } = new Command('npm run conformance --')
  .option('--registry <url>', 'a registry that runs already')
  .option('--results <folder>', 'where the reports go', 'results')
  .parse()
  .opts<{ registry?: string; results: string }>();

if (spawnSync('go', ['version']).status !== 0) {
  console.log('conformance: not run, for Go is not installed');
  process.exit(0);
}

const work = await mkdtemp(join(tmpdir(), 'edgewater-conformance-'));
const server =
  registry === undefined
    ? await startRegistry({
        port: 0,
        host: '127.0.0.1',
        state: join(work, 'state'),
        log: 'off',
        adminPassword: null,
      })
    : null;
try {
  const folder = resolve(results);
  await rm(folder, { recursive: true, force: true });
  const summary = runSuite(new URL(server?.url ?? registry ?? ''), folder);
  await check(summary, folder);
} finally {
  await server?.stop();
  await rm(work, { recursive: true, force: true });
}

function runSuite(url: URL, folder: string): string {
  const { stdout, stderr, status } = spawnSync('go', ['run', SUITE], {
    encoding: 'utf8',
    cwd: work,
    maxBuffer: 2 ** 28,
    env: {
      ...process.env,
      OCI_REGISTRY: url.host,
      OCI_TLS: url.protocol === 'https:' ? 'enabled' : 'disabled',
      OCI_REPO1: 'conformance/one',
      OCI_REPO2: 'conformance/two',
      OCI_VERSION: 'dev',
      OCI_RESULTS_DIR: folder,
    },
  });
  if (status !== 0) {
    console.error(stderr);
  }
  return stdout;
}

/** The suite ends with 0 when its set-up failed, so only its results count. */
async function check(summary: string, folder: string): Promise<void> {
  await readFile(join(folder, 'results.yaml')).catch(() => fail('the suite wrote no results'));
  const lines = [...summary.matchAll(/^ {2}(\S.*?)\.*: +(\S+)$/gm)].map(
    ([, name = '', value = '']) => ({
      name,
      value,
    }),
  );
  const counts = lines.filter(({ value }) => /^\d+$/.test(value));
  const gaps = lines.filter(({ value }) => value === 'Skip' || value === 'Disabled');
  const failures = lines.filter(({ value }) => value === 'FAIL' || value === 'Error');
  for (const { name, value } of [...counts, ...gaps, ...failures]) {
    console.log(`${name}: ${value}`);
  }
  if (counts.length === 0 || failures.length > 0) {
    fail(`the suite failed; see ${folder}/report.html`);
  }
  const surprises = gaps.filter(({ name }) => !EXPECTED_GAPS.includes(name));
  if (surprises.length > 0) {
    fail(`skipped without a reason: ${surprises.map(({ name }) => name).join(', ')}`);
  }
  const count = (name: string) => counts.find((line) => line.name === name)?.value ?? '0';
  console.log(
    `conformance: ${count('Pass')} passed, ${count('FAIL')} failed, ${count('Skip')} skipped`,
  );
}

function fail(message: string): never {
  console.error(`conformance: ${message}`);
  process.exit(1);
}
