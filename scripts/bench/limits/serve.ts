/**
 * Serves the Workers of this folder by one runtime, each on a socket of its own, as `npm start`
 * serves the registry: `node serve.ts <folder>` prints their addresses as one line of JSON.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { unstable_readConfig as readConfig } from 'wrangler';
import { bundleWorker } from '../../registry/bundle.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const NAMES = ['answer', 'query', 'objects'];

const [folder = ''] = process.argv.slice(2);
useGuardedRuntime();
const config = readConfig({ config: join(ROOT, 'wrangler.toml') });
const workers = await Promise.all(
  NAMES.map(async (name) => ({
    name,
    modules: true,
    script: await bundleWorker(join(import.meta.dirname, `${name}.ts`)),
    compatibilityDate: config.compatibility_date ?? '',
    compatibilityFlags: config.compatibility_flags,
    d1Databases: { DB: 'bench' },
    r2Buckets: { BUCKET: 'bench' },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  })),
);
const converted = convertV4MiniflareOptions({
  workers,
  resourcePersistencePath: folder,
  cf: false, // would be looked up on the internet
  logRequests: false,
  log: new Log(LogLevel.WARN),
});
const miniflare = new Miniflare({ ...converted, enableDevRegistry: false });
await miniflare.ready;
const urls: Record<string, string> = {};
for (const name of NAMES) {
  urls[name] = (await miniflare.unsafeGetDirectURL(name)).origin;
}
console.log(JSON.stringify(urls));
process.prependListener('SIGTERM', () => process.exit(0)); // before miniflare's, which is an error

/** See scripts/registry/workerd.sh: it ends the runtime when we are gone. */
function useGuardedRuntime(): void {
  const { default: workerd } = createRequire(import.meta.resolve('miniflare'))('workerd');
  process.env.EDGEWATER_WORKERD = workerd;
  process.env.MINIFLARE_WORKERD_PATH = join(ROOT, 'scripts/registry/workerd.sh');
}
