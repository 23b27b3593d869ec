import { Authority } from './auth/authorize.ts';
import { type Env, readSettings } from './env.ts';
import { sweep } from './lifecycle/sweep.ts';
import { Registry } from './registry/registry.ts';
import { createRouter } from './router.ts';
import { BlobStore } from './storage/blob-store.ts';
import { MetadataStore } from './storage/metadata/metadata-store.ts';
import { Stores } from './storage/stores.ts';

export { LoginThrottle } from './throttle/login-throttle.ts';
export { UploadSession } from './uploads/upload-session.ts';

const answer = createRouter();

export default {
  fetch(request, env): Promise<Response> {
    const settings = readSettings(env);
    const { readWindow, maxAges } = settings;
    const { origin } = new URL(request.url);
    const stores = new Stores(
      { database: env.DB, bucket: env.BUCKET, readWindow, maxAges },
      origin,
    );
    const { metadata } = stores;
    return answer(request, {
      registry: new Registry(stores, env.UPLOADS),
      authority: new Authority({ metadata, throttles: env.THROTTLE, settings }),
      metadata,
      settings,
      origin,
    });
  },

  async scheduled(_controller, env): Promise<void> {
    const deleted = await sweep(new MetadataStore(env.DB), new BlobStore(env.BUCKET));
    if (deleted > 0) {
      console.log(JSON.stringify({ message: 'emptied the trash', deleted }));
    }
  },
} satisfies ExportedHandler<Env>;
