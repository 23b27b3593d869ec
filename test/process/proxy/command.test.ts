/** `edgewater proxy` as people run it: a process, what it says and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Edge } from '../../../scripts/clients/edge.ts';
import { waitForPort } from '../../../scripts/registry/port.ts';

const CLI = resolve(import.meta.dirname, '../../../scripts/edgewater.ts');

let registry: Edge; // as much of one as this needs

beforeAll(async () => {
  const fault = () => ({ kind: 'answer', status: 200, body: '{}' }) as const;
  registry = await Edge.start({ to: 'http://127.0.0.1:9', limit: 10, fault });
});

afterAll(() => registry.stop());

function start(...args: string[]): {
  child: ChildProcess;
  ended: Promise<[number | null, string]>;
} {
  const child = spawn(process.execPath, [CLI, 'proxy', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((done) => child.once('close', done));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, ended: Promise.all([exited, text(child.stderr)]) };
}

/** The URL in the line that says "ready". */
function ready(child: ChildProcess): Promise<string> {
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stderr?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
    const url = /ready on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) {
      resolve(url);
    }
  });
  child.once('close', (code) => reject(new Error(`it ended with ${code}: ${said}`)));
  return promise;
}

test('says where it serves, and ends with success at Ctrl-C', async () => {
  const { child, ended } = start('--to', registry.url, '--port', '0');
  const url = await ready(child);
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  child.kill('SIGINT');
  const [code] = await ended;
  expect(code).toBe(0);
});

describe('does not start', () => {
  test('on a port that is taken', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await new Promise((done) => taken.once('listening', done));
    onTestFinished(() => void taken.close());
    const port = String((taken.address() as AddressInfo).port);
    const [code, stderr] = await start('--to', registry.url, '--port', port).ended;
    expect(code).toBe(1);
    expect(stderr).toBe(
      `edgewater: port ${port} on 127.0.0.1 is taken; choose another with --port\n`,
    );
  });

  test.each([
    ['for a host that is none', ['--to', 'https://registry.invalid'], 1, 'registry.invalid'],
    ['by http elsewhere', ['--to', 'http://registry.example.com'], 2, 'https only'],
    ['for other machines', ['--host', '0.0.0.0'], 2, 'loopback'],
    ['with chunks that the edge refuses', ['--chunk-size', '96'], 2, '--large-chunks'],
    ['with chunks of nothing', ['--chunk-size', '0'], 2, 'from 1 to 95 MiB'],
  ])('%s', async (_what, args, expected, message) => {
    const to = args.includes('--to') ? [] : ['--to', registry.url];
    const [code, stderr] = await start('--port', '0', ...to, ...args).ended;
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
    expect(stderr).not.toContain('    at ');
  });

  test('where nobody listens', async () => {
    const port = await waitForPort(0, '127.0.0.1');
    const to = `http://127.0.0.1:${port}`;
    const [code, stderr] = await start('--to', to, '--port', '0').ended;
    expect(stderr).toContain('nobody listens there');
    expect(code).toBe(1);
  });

  test.each([
    [404, 'see that the address is right'],
    [503, 'fails now (503); try again'],
  ])('where the answer is %i', async (status, message) => {
    const fault = () => ({ kind: 'answer', status }) as const;
    const failing = await Edge.start({ to: registry.url, limit: 10, fault });
    onTestFinished(() => failing.stop());
    const [code, stderr] = await start('--to', failing.url, '--port', '0').ended;
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  test('when TLS fails', async () => {
    const server = createTlsServer();
    server.listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const [code, stderr] = await start('--to', `https://127.0.0.1:${port}`, '--port', '0').ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^edgewater: https:\S+: TLS failed \(\w+\).*\n$/);
  });
});

test('--quiet says nothing while all is well', async () => {
  const port = await waitForPort(0, '127.0.0.1');
  const { child, ended } = start('--to', registry.url, '--port', String(port), '--quiet');
  const answer = () =>
    fetch(`http://127.0.0.1:${port}/v2/`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(answer, { timeout: 10_000 }).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, '']);
});
