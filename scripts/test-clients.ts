/**
 * Drives every real client that this machine has against the registry:
 *
 *     npm run test:clients
 *     npm run test:clients -- --only docker,regctl
 *     npm run test:clients -- --require docker,podman,buildah,skopeo,ctr
 *     npm run test:clients -- --registry http://127.0.0.1:5000
 *
 * docker and ctr get a daemon of their own, which needs root. Clients written in Go are built
 * where Go is installed. Nothing of the user's own configuration or images is used or changed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { buildah } from './clients/buildah.ts';
import { cosign } from './clients/cosign.ts';
import { crane } from './clients/crane.ts';
import { ctr } from './clients/ctr.ts';
import { unmountBelow } from './clients/daemon.ts';
import { docker } from './clients/docker.ts';
import { helm } from './clients/helm.ts';
import { oras } from './clients/oras.ts';
import { podman } from './clients/podman.ts';
import { regctl } from './clients/regctl.ts';
import { toTable } from './clients/report.ts';
import { runSuites } from './clients/run-suites.ts';
import { skopeo } from './clients/skopeo.ts';
import { startRegistry } from './registry/local-registry.ts';

const SUITES = [docker, podman, buildah, skopeo, ctr, crane, oras, regctl, helm, cosign];
const NAMES = SUITES.map(({ name }) => name);

const options = new Command('npm run test:clients --')
  .description('Drive every real client that this machine has against the registry')
  .option('--only <clients>', 'run these, separated by commas', parseNames, NAMES)
  .option('--require <clients>', 'fail when one of these did not run', parseNames, [])
  .option('--registry <url>', 'a registry that runs already')
  .parse()
  .opts<{ only: string[]; require: string[]; registry?: string }>();

const interruption = new AbortController();

const id = randomBytes(4).toString('hex'); // in lower case, for podman makes a name of the path
const folder = join(tmpdir(), `ew-${id}`); // short, for sockets lie in it
await mkdir(folder, { mode: 0o700 });
try {
  const server = options.registry === undefined ? await startHere(join(folder, 'state')) : null;
  stopOnSignals();
  try {
    process.exitCode = (await test(server?.url ?? options.registry ?? '')) ? 0 : 1;
  } finally {
    await server?.stop();
  }
} finally {
  await unmountBelow(folder);
  await rm(folder, { recursive: true, force: true });
}

function startHere(state: string) {
  return startRegistry({ port: 0, host: '127.0.0.1', state, log: 'off', adminPassword: null });
}

/** Instead of miniflare, which would end this process at once and leave daemons behind. */
function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => interruption.abort());
  }
}

async function test(url: string): Promise<boolean> {
  const results = await runSuites(
    SUITES.filter(({ name }) => options.only.includes(name)),
    {
      url: url.replace(/\/+$/, ''),
      prefix: `clients-${id}`,
      folder,
      signal: interruption.signal,
    },
  );
  console.log(`\n${toTable(results)}\n`);
  const ran = new Set(results.filter((row) => row.outcome !== 'not run').map((row) => row.client));
  const missing = options.require.filter((name) => !ran.has(name));
  const failures = results.filter((row) => row.outcome === 'FAILED');
  if (missing.length > 0) {
    console.error(`test:clients: required, but not run: ${missing.join(', ')}`);
  }
  console.log(`test:clients: ${ran.size} clients, ${failures.length} failures`);
  return failures.length === 0 && missing.length === 0 && !interruption.signal.aborted;
}

function parseNames(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) {
    throw new InvalidArgumentError(`No such client: ${unknown.join(', ')}.`);
  }
  return names;
}
