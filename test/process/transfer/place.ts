/** A registry that is full, a front before it, and one that copies from it, which can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../../scripts/registry/local-registry.ts';
import { useRegistry } from '../../support/client.ts';
import { Front } from './front.ts';

const ENTRY = resolve(import.meta.dirname, 'registry.ts');
const CLI = resolve(import.meta.dirname, '../../../scripts/edgewater.ts');

export const ADMIN = 'admin';
export const PASSWORD = 'correct horse battery staple';
export const MIRROR = 'old.example.com';

export let front: Front;
let folder: string;
let old: LocalRegistry;
let child: ChildProcess;
export let url = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-transfer-'));
  old = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state: join(folder, 'old'),
    log: 'off',
    adminPassword: null,
  });
  useRegistry(old.url, (request) => fetch(request)); // what the tests push to
  front = new Front(old.url);
  await front.start();
  await start();
  const settings = { url: front.url, tagMaxAge: 0, missingMaxAge: 0, isPublic: false };
  expect((await ask('PUT', `/upstreams/${MIRROR}`, settings)).status).toBe(200);
}, 60_000);

afterAll(async () => {
  await end('SIGTERM');
  front.stop();
  await old?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

async function start(): Promise<void> {
  const port = new URL(url || 'http://127.0.0.1:0').port || '0';
  const args = [ENTRY, join(folder, 'new'), port, PASSWORD];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    url = line;
    return;
  }
  throw new Error('the registry ended before it was ready');
}

/** Ends the registry that copies, and its runtime, as the plug does, and starts it again. */
export async function crash(): Promise<void> {
  await end('SIGKILL');
  await start();
}

async function end(signal: NodeJS.Signals): Promise<void> {
  if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    process.kill(-child.pid, signal);
    await exited;
  }
}

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A request to the registry that copies; `path` is behind /api/v1. */
export async function ask(
  method: string,
  path: string,
  body?: object,
  user = ADMIN,
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects to be in there
): Promise<{ status: number; json: any }> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: basic(user, PASSWORD), 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  return { status: response.status, json: answer === '' ? null : JSON.parse(answer) };
}

/** Starts a transfer: its id. */
export async function begin(body: object, user = ADMIN): Promise<string> {
  const { status, json } = await ask('POST', '/transfers', body, user);
  expect(status, JSON.stringify(json)).toBe(201);
  return json.id;
}

/** Waits until a transfer has ended: what the API says of it. */
export async function ended(id: string) {
  let { json } = await ask('GET', `/transfers/${id}`);
  await expect
    .poll(
      async () => {
        json = (await ask('GET', `/transfers/${id}`)).json;
        return json.state;
      },
      { timeout: 50_000, interval: 200 },
    )
    .not.toBe('running');
  return json;
}

/** A request to the registry that copies; `path` is behind /v2. */
export function read(path: string, method = 'GET'): Promise<Response> {
  const accept = [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.oci.image.manifest.v1+json',
  ];
  const headers = { authorization: basic(ADMIN, PASSWORD), Accept: accept.join(', ') };
  return fetch(`${url}/v2${path}`, { method, headers });
}

/** What a reference names there; null when it names nothing. */
export async function digestThere(repository: string, reference: string): Promise<string | null> {
  const response = await read(`/${repository}/manifests/${reference}`, 'HEAD');
  return response.ok ? response.headers.get('Docker-Content-Digest') : null;
}

export async function tagsThere(repository: string): Promise<string[]> {
  const response = await read(`/${repository}/tags/list`);
  return response.ok ? ((await response.json()) as { tags: string[] }).tags : [];
}

/** Runs the CLI as the administrator of the registry that copies. */
export async function edgewater(...args: string[]) {
  const login = { EDGEWATER_USER: ADMIN, EDGEWATER_PASSWORD: PASSWORD };
  const env = { ...process.env, ...login, EDGEWATER_URL: url, XDG_CONFIG_HOME: folder };
  const run = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<number | null>((done) => run.once('close', done));
  const [stdout, stderr] = await Promise.all([text(run.stdout), text(run.stderr)]);
  return { code: await exited, stdout, stderr };
}
