import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Api, apiPath, type Login } from '../edgewater/api.ts';
import { adminPasswordFile } from '../registry/admin-password.ts';
import { waitForPort } from '../registry/port.ts';
import type { Bench } from './bench.ts';
import { startDaemon } from './daemon.ts';

/** A registry that mirrors, and its administrator. */
export interface MirrorRegistry {
  url: string;
  admin: Login;
}

/** What a mirror is made of: the settings of its API. */
export interface MirrorSettings {
  url: string;
  username?: string;
  password?: string;
  isPublic?: boolean;
}

/** How to start one. */
export interface MirrorRegistryOptions {
  authority?: string; // the path of a CA's certificate, which is trusted besides the public ones
  defaultMirror?: string;
  mirrors: Readonly<Record<string, MirrorSettings>>;
}

const START = resolve(import.meta.dirname, '../start.ts');

/** Starts one as docs/mirror.md says. Its mirrors ask for a tag each time, so that an outage is noticed. */
export async function startMirrorRegistry(
  bench: Bench,
  { authority, defaultMirror, mirrors }: MirrorRegistryOptions,
): Promise<MirrorRegistry> {
  const port = await waitForPort(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  const state = bench.path('mirror-state');
  const options = ['--port', String(port), '--state', state, '--log', 'off'];
  options.push(
    '--private-upstreams',
    ...(defaultMirror ? ['--default-mirror', defaultMirror] : []),
  );
  const trust = authority === undefined ? [] : [`NODE_EXTRA_CA_CERTS=${authority}`];
  await startDaemon(
    bench,
    'env',
    [...trust, 'node', START, ...options],
    () => fetch(`${url}/v2/`),
    'mirror-registry',
  );
  const password = (await readFile(adminPasswordFile(state), 'utf8')).trim();
  const admin = { username: 'admin', password };
  const api = new Api(url, admin);
  for (const [name, settings] of Object.entries(mirrors)) {
    await api.send('PUT', apiPath`/upstreams/${name}`, { ...settings, tagMaxAge: 0 });
  }
  return { url, admin };
}
