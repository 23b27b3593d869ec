/**
 * Drives every real client that this machine has against the registry:
 *
 *     npm run test:clients
 *     npm run test:clients -- --only docker,regctl
 *     npm run test:clients -- --require docker,podman,buildah,skopeo,ctr
 *     npm run test:clients -- --registry http://127.0.0.1:5000
 *
 * They work as a robot of a namespace made for them, and log in each in its own way. With
 * --registry that namespace is made with EDGEWATER_USER and EDGEWATER_PASSWORD, a system
 * administrator's; without these the registry has to be open, and nobody logs in.
 *
 * docker and ctr get a daemon of their own, which needs root. Clients written in Go are built
 * where Go is installed. The suite zot mirrors a zot; that takes minutes to build, so it has to be
 * on the PATH, and .ci/run does not require it. Nothing of the user's own configuration or images is
 * used or changed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Accounts, createAccounts, removeAccounts } from './clients/accounts.ts';
import { buildah } from './clients/buildah.ts';
import { cosign } from './clients/cosign.ts';
import { crane } from './clients/crane.ts';
import { ctr } from './clients/ctr.ts';
import { unmountBelow } from './clients/daemon.ts';
import { docker } from './clients/docker.ts';
import { environmentLogin } from './clients/environment-login.ts';
import { helm } from './clients/helm.ts';
import { mirror } from './clients/mirror.ts';
import { network } from './clients/network.ts';
import { oras } from './clients/oras.ts';
import { podman } from './clients/podman.ts';
import { proxy } from './clients/proxy.ts';
import { regctl } from './clients/regctl.ts';
import { toTable } from './clients/report.ts';
import { runSuites } from './clients/run-suites.ts';
import { skopeo } from './clients/skopeo.ts';
import { zot } from './clients/zot.ts';
import { Api, type Login } from './edgewater/api.ts';
import { startRegistry } from './registry/local-registry.ts';

const SUITES = [
  docker,
  podman,
  buildah,
  skopeo,
  ctr,
  crane,
  oras,
  regctl,
  helm,
  cosign,
  proxy,
  network,
  mirror,
  zot,
];
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
  const registry =
    options.registry === undefined
      ? await startHere(join(folder, 'state'))
      : { url: options.registry.replace(/\/+$/, ''), admin: environmentLogin(), stop: null };
  stopOnSignals();
  try {
    process.exitCode = (await testAs(registry.admin, registry.url)) ? 0 : 1;
  } finally {
    await registry.stop?.();
  }
} catch (error) {
  console.error(`test:clients: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await unmountBelow(folder);
  await rm(folder, { recursive: true, force: true });
}

async function startHere(state: string) {
  const password = randomBytes(24).toString('base64url');
  const options = {
    port: 0,
    host: '127.0.0.1',
    state,
    log: 'off',
    adminPassword: password,
  } as const;
  return { ...(await startRegistry(options)), admin: { username: 'admin', password } };
}

/** Instead of miniflare, which would end this process at once and leave daemons behind. */
function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => interruption.abort());
  }
}

async function testAs(admin: Login | null, url: string): Promise<boolean> {
  const prefix = `clients-${id}`;
  if (admin === null) {
    await requireOpen(url);
    return test(url, prefix, null);
  }
  const api = new Api(url, admin);
  const accounts = await createAccounts(api, prefix);
  try {
    return await test(url, prefix, accounts);
  } finally {
    await removeAccounts(api, prefix);
  }
}

async function requireOpen(url: string): Promise<void> {
  const { status } = await fetch(`${url}/v2/`);
  if (status === 401) {
    throw new Error(`${url} wants a login: set EDGEWATER_USER and EDGEWATER_PASSWORD`);
  }
}

async function test(url: string, prefix: string, accounts: Accounts | null): Promise<boolean> {
  const results = await runSuites(
    SUITES.filter(({ name }) => options.only.includes(name)),
    {
      url,
      prefix,
      accounts,
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
