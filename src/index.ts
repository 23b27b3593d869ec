import { Authority } from './auth/authorize.ts';
import { type Env, readSettings } from './env.ts';
import type { Part } from './handlers/health.ts';
import { runSchedule } from './lifecycle/schedule.ts';
import { Registry } from './registry/registry.ts';
import { createRouter } from './router.ts';
import { failObject } from './rpc/object-failure.ts';
import { NO_ORIGIN, openStores } from './storage/open-stores.ts';
import type { Stores } from './storage/stores.ts';
import { UpstreamGates } from './upstream/gates.ts';

export { MirrorFetch } from './mirror/mirror-fetch.ts';
export { LoginThrottle } from './throttle/login-throttle.ts';
export { Transfer } from './transfer/transfer.ts';
export { UploadSession } from './uploads/upload-session.ts';
export { UpstreamGate } from './upstream/upstream-gate.ts';

const answer = createRouter();

export default {
  fetch(request, env): Promise<Response> {
    const settings = readSettings(env);
    const url = new URL(request.url);
    const stores = openStores(env, settings, url.origin);
    const { metadata } = stores;
    return answer(request, {
      registry: new Registry({
        stores,
        sessions: env.UPLOADS,
        fetches: env.MIRRORS,
        defaultMirror: settings.defaultMirror,
      }),
      authority: new Authority({ metadata, throttles: env.THROTTLE, settings }),
      stores,
      gates: new UpstreamGates(env.GATES),
      settings,
      url,
      startTransfer: starterOf(env),
      get parts() {
        return partsOf(env, stores);
      },
    });
  },

  async scheduled(_controller, env): Promise<void> {
    const settings = readSettings(env);
    const results = await runSchedule(openStores(env, settings, NO_ORIGIN), starterOf(env));
    if (settings.log === 'json') {
      console.log(JSON.stringify({ message: 'did what the clock asks for', ...results }));
    }
  },
} satisfies ExportedHandler<Env>;

/** Has a transfer go on, in its Durable Object. */
function starterOf({ TRANSFERS }: Env): (id: string) => Promise<void> {
  return (id) => TRANSFERS.getByName(id).start(id).catch(failObject);
}

/** What has to answer for the registry to work, each with its cheapest question. */
function partsOf(env: Env, { metadata, blobs, cache }: Stores): Part[] {
  return [
    { name: 'database', isOptional: false, ask: () => metadata.requireSchema() },
    { name: 'bucket', isOptional: false, ask: () => blobs.size(NOBODY) },
    {
      name: 'uploadSessions',
      isOptional: false,
      ask: () => env.UPLOADS.getByName(NOBODY).status(),
    },
    { name: 'loginThrottles', isOptional: false, ask: () => env.THROTTLE.getByName(NOBODY).ping() },
    { name: 'edgeCache', isOptional: true, ask: () => cache.ping() },
  ];
}

/** The key of no object, and the name of Durable Objects that hold nothing. */
const NOBODY = 'readiness';
