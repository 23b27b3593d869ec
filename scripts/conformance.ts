/**
 * Runs the official OCI conformance suite against a registry started for it, once without and once
 * with a login:
 *
 *     npm run conformance                     # report.html and results.yaml in results/open, results/login
 *     npm run conformance -- --registry http://127.0.0.1:5000
 *
 * One that runs already is tested once: as EDGEWATER_USER with EDGEWATER_PASSWORD, or without a login
 * where these are not set.
 *
 * Needs Go 1.24 or newer; where there is none it says so and ends well.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { environmentLogin } from './clients/environment-login.ts';
import type { Login } from './edgewater/api.ts';
import { startRegistry } from './registry/local-registry.ts';

/** The newest of the suite that the Go module proxy has. It carries no release tags. */
const SUITE =
  'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111';

/** What is skipped or disabled on purpose; the README says why. */
const EXPECTED_GAPS = ['Sparse Manifests'];

/**
 * What is skipped with a login besides: to mount a blob from anywhere the registry would have to look
 * in repositories that the token does not name.
 */
const LOGIN_GAPS = ['Blob anonymous mount'];

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
try {
  if (registry !== undefined) {
    const login = environmentLogin();
    await test(registry, login, login === null ? 'open' : 'login');
  } else {
    await testHere(null, 'open');
    await testHere({ username: 'admin', password: randomBytes(24).toString('base64url') }, 'login');
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

type Run = 'open' | 'login';

async function testHere(login: Login | null, run: Run): Promise<void> {
  const server = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state: join(work, run),
    log: 'off',
    adminPassword: login?.password ?? null,
  });
  try {
    await test(server.url, login, run);
  } finally {
    await server.stop();
  }
}

async function test(url: string, login: Login | null, run: Run): Promise<void> {
  const folder = resolve(results, run);
  await rm(folder, { recursive: true, force: true });
  const summary = runSuite(new URL(url), login, folder);
  await check(summary, run, folder);
}

function runSuite(url: URL, login: Login | null, folder: string): string {
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
      ...(login !== null && {
        OCI_USERNAME: login.username,
        OCI_PASSWORD: login.password,
        OCI_CACHE_AUTH: 'true',
      }),
    },
  });
  if (status !== 0) {
    console.error(stderr);
  }
  return stdout;
}

/** The suite ends with 0 when its set-up failed, so only its results count. */
async function check(summary: string, run: Run, folder: string): Promise<void> {
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
  const expected = run === 'open' ? EXPECTED_GAPS : [...EXPECTED_GAPS, ...LOGIN_GAPS];
  const surprises = gaps.filter(({ name }) => !expected.includes(name));
  if (surprises.length > 0) {
    fail(`skipped without a reason: ${surprises.map(({ name }) => name).join(', ')}`);
  }
  const count = (name: string) => counts.find((line) => line.name === name)?.value ?? '0';
  console.log(
    `conformance (${run}): ${count('Pass')} passed, ${count('FAIL')} failed, ${count('Skip')} skipped`,
  );
}

function fail(message: string): never {
  console.error(`conformance: ${message}`);
  process.exit(1);
}
