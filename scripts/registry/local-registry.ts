import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4MiniflareOptions,
} from 'miniflare';
import { unstable_readConfig as readConfig } from 'wrangler';
import { keepAdminPassword } from './admin-password.ts';
import { bundleWorker } from './bundle.ts';
import { applyMigrations } from './migrate.ts';
import { waitForPort } from './port.ts';
import { takeStateFolder } from './state-folder.ts';

/** How to run the registry. `state` is a folder, made if it is not there. */
export interface LocalRegistryOptions {
  port: number; // 0 for any free one
  host: string;
  state: string;
  log: 'text' | 'json' | 'off';
  /** Of the user "admin"; 'kept' for the one in the state folder; null for a registry without login. */
  adminPassword: string | null;
  /** More variables of the Worker than the options above make. */
  variables?: Readonly<Record<string, string>>;
  /** How often it does what the cron trigger does; milliseconds. */
  clockInterval?: number;
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
const R2_READ_WINDOW = String(2 * 2 ** 20); // bytes

const CLOCK_INTERVAL = 15 * 60 * 1000; // milliseconds, like the cron trigger in wrangler.toml

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
      `it speaks plain HTTP, so it serves only on loopback addresses, not on ${options.host}`,
    );
  }
  const port = await waitForPort(options.port, options.host);
  const state = await takeStateFolder(options.state);
  const config: WranglerConfig = readConfig({ config: join(ROOT, 'wrangler.toml') });
  await migrate(state, config);
  const adminPassword =
    options.adminPassword === 'kept' ? await keepAdminPassword(state) : options.adminPassword;
  const miniflare = runWorker(
    await bundleWorker(join(ROOT, 'src/index.ts')),
    { ...options, port, state, adminPassword },
    config,
  );
  const interval = options.clockInterval ?? CLOCK_INTERVAL;
  const timer = setInterval(() => void runScheduled(miniflare), interval).unref();
  const stop = async () => {
    clearInterval(timer);
    await miniflare.dispose();
  };
  try {
    await miniflare.ready;
  } catch (error) {
    await stop();
    throw error;
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, stop };
}

/** Brings the database up to date before anybody can ask the Worker, in a runtime of its own. */
async function migrate(state: string, config: WranglerConfig): Promise<void> {
  const miniflare = createMiniflare('export default {}', state, config, {});
  try {
    const database = await miniflare.getD1Database('DB');
    await applyMigrations(database, join(ROOT, 'src/storage/migrations'));
  } finally {
    await miniflare.dispose();
  }
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

function runWorker(
  script: string,
  { host, port, state, log, adminPassword, variables }: LocalRegistryOptions,
  config: WranglerConfig,
): Miniflare {
  const objects = config.durable_objects.bindings.map(
    ({ name, class_name }) => [name, { className: class_name, useSQLite: true }] as const,
  );
  return createMiniflare(script, state, config, {
    durableObjects: Object.fromEntries(objects),
    r2Buckets: { BUCKET: 'edgewater' },
    bindings: {
      ...(adminPassword === null ? { OPEN: 'true' } : { ADMIN_PASSWORD: adminPassword }),
      LOCAL: 'true',
      LOG: log,
      R2_READ_WINDOW,
      ...variables,
    },
    unsafeDirectSockets: [{ host, port }],
  });
}

/** A runtime with the database, and whatever `more` there is. */
function createMiniflare(
  script: string,
  state: string,
  config: WranglerConfig,
  more: Partial<V4MiniflareOptions>,
): Miniflare {
  useGuardedRuntime();
  const converted = convertV4MiniflareOptions({
    ...more,
    name: 'edgewater',
    modules: true,
    script,
    compatibilityDate: config.compatibility_date ?? '',
    compatibilityFlags: config.compatibility_flags,
    // Named here, for a deploy writes an id of its own into wrangler.toml.
    d1Databases: { DB: 'edgewater' },
    resourcePersistencePath: state,
    cf: false, // would be looked up on the internet
    logRequests: false,
    log: new Log(LogLevel.WARN),
  });
  return new Miniflare({ ...converted, enableDevRegistry: false });
}

/**
 * Has miniflare start workerd through workerd.sh, which needs to know where it is: another one than
 * miniflare's when EDGEWATER_WORKERD names it already, as scripts/bench/profile.ts does.
 */
function useGuardedRuntime(): void {
  if (process.platform !== 'win32') {
    const { default: workerd } = createRequire(import.meta.resolve('miniflare'))('workerd');
    process.env.EDGEWATER_WORKERD ??= workerd;
    process.env.MINIFLARE_WORKERD_PATH = join(import.meta.dirname, 'workerd.sh');
  }
}
