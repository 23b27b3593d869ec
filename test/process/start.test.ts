/** What `npm start` promises to those who wait for it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitForPort } from '../../scripts/registry/port.ts';
import { Server } from './server.ts';

let state: string;
let server: Server;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-start-'));
  server = new Server(state);
});

afterEach(async () => {
  await server.stop();
  await rm(state, { recursive: true, force: true });
});

test('the first answer comes when pushes work', async () => {
  const port = await waitForPort(0, '127.0.0.1');
  const starting = server.start(port);
  const url = `http://127.0.0.1:${port}/v2/`;
  const ping = () =>
    fetch(url)
      .then((response) => response.status)
      .catch(() => 'no answer yet');
  await expect.poll(ping, { timeout: 30_000, interval: 1 }).toBe(200);
  const push = await fetch(`${url}some/where/blobs/uploads/`, { method: 'POST' });
  expect(push.status).toBe(202);
  await starting;
});

test('a state folder serves one process at a time', async () => {
  await server.start();
  await expect(new Server(state).start()).rejects.toThrow('ended before it was ready');
});

test('Ctrl-C ends it with success', async () => {
  await server.start();
  expect(await server.stop()).toBe(0);
});

test('a mirror may be of a registry on this machine when that is said', async () => {
  server = new Server(state, undefined, ['--private-upstreams']);
  await server.start();
  const password = (await readFile(join(state, 'admin-password'), 'utf8')).trim();
  const { status } = await fetch(`${server.url}/api/v1/upstreams/lab.example`, {
    method: 'PUT',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`,
    },
    body: JSON.stringify({ url: 'http://127.0.0.1:1' }),
  });
  expect(status).toBe(200);
});
