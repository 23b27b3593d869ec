import { applyD1Migrations } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { useRegistry } from './client.ts';

await applyD1Migrations(env.DB, env.MIGRATIONS);
useRegistry('http://registry.test', (request) => exports.default.fetch(request));
