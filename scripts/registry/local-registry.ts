import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { unstable_readConfig as readConfig } from 'wrangler';
import { bundleWorker } from './bundle.ts';
import { applyMigrations } from './migrate.ts';
import { takeStateFolder } from './state-folder.ts';

/** How to run the registry. `state` is a folder, made if it is not there. */
export interface LocalRegistryOptions {
  port: number; // 0 for any free one
  host: string;
  state: string;
  log: 'text' | 'json' | 'off';
}

/** What of wrangler.toml a local registry has to repeat. */
interface WranglerConfig {
  compatibility_date?: string;
  compatibility_flags: string[];
  durable_objects: { bindings: { name: string; class_name: string }[] };
}

/** A registry that runs. */
export interface LocalRegistry {
  url: string;
  stop(): Promise<void>;
}

const ROOT = resolve(import.meta.dirname, '../..');
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** miniflare reads an object of several parts ahead of its reader: no more than this, then. */
const R2_READ_WINDOW = String(8 * 2 ** 20); // bytes

const SWEEP_INTERVAL = 15 * 60 * 1000; // milliseconds, like the cron trigger in wrangler.toml

/** After a SIGKILL the runtime needs a moment to notice that its parent is gone. */
const PORT_PATIENCE = 3000; // milliseconds

/**
 * Bundles the Worker, applies the migrations and serves through miniflare. Requests go straight to
 * the Worker by a socket of its own: miniflare's entry Worker, which they would else pass, answers
 * a third as many a second and compresses bodies.
 *
 * @throws Error with one line that says what to do: the address is not loopback, the port is taken,
 *   another process uses the state folder
 */
export async function startRegistry(options: LocalRegistryOptions): Promise<LocalRegistry> {
  if (!LOOPBACK.test(options.host)) {
    throw new Error(
      `there is no access control yet, so it serves only on loopback addresses, not on ${options.host}`,
    );
  }
  const port = await waitForPort(options.port, options.host);
  const state = await takeStateFolder(options.state);
  const miniflare = new Miniflare(await miniflareOptions({ ...options, port, state }));
  const timer = setInterval(() => void runScheduled(miniflare), SWEEP_INTERVAL).unref();
  const stop = async () => {
    clearInterval(timer);
    await miniflare.dispose();
  };
  try {
    await miniflare.ready;
    const database = await miniflare.getD1Database('DB');
    await applyMigrations(database, join(ROOT, 'src/storage/migrations'));
  } catch (error) {
    await stop();
    throw error;
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, stop };
}

/** Does what the cron trigger does on the platform; miniflare has no clock of its own. */
async function runScheduled(miniflare: Miniflare): Promise<void> {
  try {
    const worker = await miniflare.getWorker();
    await worker.scheduled();
  } catch (error) {
    console.error('The scheduled sweep failed:', error);
  }
}

async function miniflareOptions({ host, port, state, log }: LocalRegistryOptions) {
  useGuardedRuntime();
  const config: WranglerConfig = readConfig({ config: join(ROOT, 'wrangler.toml') });
  const objects = config.durable_objects.bindings.map(
    ({ name, class_name }) => [name, { className: class_name, useSQLite: true }] as const,
  );
  const converted = convertV4MiniflareOptions({
    name: 'edgewater',
    modules: true,
    script: await bundleWorker(join(ROOT, 'src/index.ts')),
    compatibilityDate: config.compatibility_date ?? '',
    compatibilityFlags: config.compatibility_flags,
    durableObjects: Object.fromEntries(objects),
    r2Buckets: { BUCKET: 'edgewater' },
    d1Databases: { DB: 'edgewater' },
    bindings: { OPEN: 'true', LOG: log, R2_READ_WINDOW },
    resourcePersistencePath: state,
    unsafeDirectSockets: [{ host, port }],
    cf: false, // would be looked up on the internet
    logRequests: false,
    log: new Log(LogLevel.WARN),
  });
  return { ...converted, enableDevRegistry: false };
}

/** Has miniflare start workerd through workerd.sh, which needs to know where it is. */
function useGuardedRuntime(): void {
  if (process.platform !== 'win32') {
    const { default: workerd } = createRequire(import.meta.resolve('miniflare'))('workerd');
    process.env.EDGEWATER_WORKERD = workerd;
    process.env.MINIFLARE_WORKERD_PATH = join(import.meta.dirname, 'workerd.sh');
  }
}

/** A port that nobody listens on: `port`, or any for 0. */
async function waitForPort(port: number, host: string): Promise<number> {
  const deadline = Date.now() + PORT_PATIENCE;
  for (;;) {
    try {
      return await tryPort(port, host);
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || Date.now() > deadline) {
        throw explainPort(error, port, host);
      }
      await sleep(100);
    }
  }
}

function tryPort(port: number, host: string): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolvePort(typeof address === 'object' && address ? address.port : port));
    });
  });
}

function explainPort(error: unknown, port: number, host: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`port ${port} on ${host} is taken; choose another with --port`);
    case 'EACCES':
      return new Error(`port ${port} needs privileges; choose one above 1023 with --port`);
    default:
      return new Error(`cannot listen on ${host}:${port} (${code ?? error})`);
  }
}
