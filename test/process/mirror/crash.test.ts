/** The runtime dies while it fetches. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, useRegistry } from '../../support/client.ts';
import { Server } from '../server.ts';
import { ADMIN } from './administrator.ts';
import { expectBytes, getBlob, getManifest, image, layerOf, pullImage } from './place.ts';
import { Upstream } from './upstream.ts';

const LAB = resolve(import.meta.dirname, 'lab.ts');

let state: string;
let server: Server;
let upstream: Upstream;

function use(): void {
  useRegistry(server.url, (request) => {
    request.headers.set('Authorization', ADMIN);
    return fetch(request);
  });
}

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-mirror-crash-'));
  upstream = await Upstream.start();
  server = new Server(state, LAB);
  await server.start();
  use();
  const made = await call('PUT', '/api/v1/upstreams/crash.test', {
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: upstream.url }),
  });
  expect(made.status, await made.text()).toBe(200);
});

afterAll(async () => {
  await server?.stop();
  await upstream?.stop();
  await rm(state, { recursive: true, force: true });
});

test('the next start fetches again what was on its way, and has what was through', async () => {
  const wanted = image(1000, 3_000_000);
  const layer = layerOf(wanted);
  upstream.add('app', wanted, 'latest');
  await expectBytes(await getManifest('crash.test/app', 'latest'), wanted);
  upstream.script = ({ path }) =>
    path.includes(layer.digest) ? { body: layer.bytes, hangsAfter: 2_000_000 } : null;
  const cut = getBlob('crash.test/app', layer).then((response) => response.arrayBuffer());
  cut.catch(() => {});
  await expect.poll(() => upstream.asked(layer.digest).length).toBe(1);
  await server.crash();
  use();
  await expect(cut).rejects.toThrow();
  upstream.script = () => null;
  await pullImage('crash.test/app', wanted);
  await pullImage('crash.test/app', wanted);
  expect(upstream.asked(layer.digest)).toHaveLength(2);
  expect(upstream.asked('/manifests/')).toHaveLength(1);
});
