/** What `edgewater proxy` does while the line breaks and the edge fails. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fault, Seen } from '../../../scripts/clients/edge.ts';
import {
  call,
  header,
  newRepository,
  pushBlob,
  startUpload,
  withQuery,
} from '../../support/client.ts';
import { randomBlob, type TestBlob } from '../../support/images.ts';
import { Server } from '../server.ts';
import { chunksOf, openLine, pull, streamOf } from './line.ts';

let state: string;
let server: Server;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-proxy-'));
  server = new Server(state);
  await server.start();
});

afterAll(async () => {
  await server.stop();
  await rm(state, { recursive: true, force: true });
});

const BYTES = { 'Content-Type': 'application/octet-stream' };

/** Makes the requests fail that fit, as often as there are faults. */
function failing(fits: (seen: Seen) => boolean, ...faults: Fault[]): (seen: Seen) => Fault | null {
  return (seen) => (fits(seen) ? (faults.shift() ?? null) : null);
}

const isPatch = ({ method }: Seen) => method === 'PATCH';
const isPut = ({ method, path }: Seen) => method === 'PUT' && path.includes('/uploads/');
const isOfChunk = ({ method }: Seen) => method === 'PATCH' || method === 'GET';
const isSecond = ({ range }: Seen) => range?.startsWith('100000-') === true;

/** As docker pushes a layer. */
async function pushStreamed(repository: string, { bytes, digest }: TestBlob): Promise<Response> {
  const location = await startUpload(repository);
  const sent = await call('PATCH', location, { headers: BYTES, body: streamOf(bytes) });
  return sent.status === 202
    ? call('PUT', withQuery(header(sent, 'Location'), 'digest', digest))
    : sent;
}

const CUT: Fault = { kind: 'cut', after: 60_000 };
const LOSE: Fault = { kind: 'lose' };
const BAD_GATEWAY: Fault = { kind: 'answer', status: 502, body: '<html>' };

describe('a push goes on', () => {
  test.each<[string, (seen: Seen) => Fault | null]>([
    ['when the first chunk is cut', failing(isPatch, CUT)],
    ['when nothing of a chunk arrives', failing(isSecond, { kind: 'cut', after: 0 })],
    ['when it is cut again and again', failing(isPatch, CUT, CUT, CUT, CUT)],
    ['when the answer to a chunk is lost', failing(isSecond, LOSE)],
    ['when the edge fails instead', failing(isPatch, BAD_GATEWAY, BAD_GATEWAY)],
    ['when nobody answers', failing(isSecond, { kind: 'delay', milliseconds: 3000 })],
    ['when the status cannot be had either', failing(isOfChunk, CUT, BAD_GATEWAY, CUT, LOSE)],
    ['when the answer to the end is lost', failing(isPut, LOSE)],
    ['when the edge fails at the end', failing(isPut, BAD_GATEWAY)],
  ])('%s', async (_what, fault) => {
    const line = await openLine(server.url, { fault });
    const repository = newRepository();
    const blob = randomBlob(250_000);
    const answer = await pushStreamed(repository, blob);
    expect(answer.status, line.told.lines.join('\n')).toBe(201);
    expect(line.told.lines.length).toBeGreaterThan(1);
    line.edge.options = { ...line.edge.options, fault: () => null };
    expect(Buffer.compare(await pull(repository, blob), blob.bytes)).toBe(0);
  });

  test('from where it was cut, not from the start of the chunk', async () => {
    const fault = failing(isPatch, { kind: 'cut', after: 600_000 });
    const line = await openLine(server.url, { fault, chunkSize: 1_000_000 });
    await pushStreamed(newRepository(), randomBlob(900_000));
    // Edgewater keeps what was cut but for the last 256 KiB.
    expect(chunksOf(line).at(-1)).toBe('PATCH 524288-899999');
  });

  test.each([
    ['is cut', CUT],
    ['is answered, and the answer lost', LOSE],
    ['is answered by a failing edge', BAD_GATEWAY],
  ])('when a body that fits one request %s', async (_what, fault) => {
    await openLine(server.url, { fault: failing(isPut, fault) });
    const repository = newRepository();
    const blob = randomBlob(90_000);
    await pushBlob(repository, blob);
    expect(Buffer.compare(await pull(repository, blob), blob.bytes)).toBe(0);
  });

  test.each([90_000, 250_000])(
    'when the answer to the end is lost of a registry that forgets the session then: %i bytes',
    async (size) => {
      let isGone = false;
      const fault = (seen: Seen): Fault | null => {
        const isOfSession = seen.path.includes('/uploads/') && seen.method !== 'POST';
        if (isOfSession && isGone) {
          return { kind: 'answer', status: 404 };
        }
        isGone = isPut(seen);
        return isGone ? LOSE : null;
      };
      await openLine(server.url, { fault });
      const repository = newRepository();
      const blob = randomBlob(size);
      await pushBlob(repository, blob);
      expect(Buffer.compare(await pull(repository, blob), blob.bytes)).toBe(0);
    },
  );

  test('when the session does not tell no byte from one', async () => {
    const line = await openLine(server.url, { fault: failing(isPatch, LOSE) });
    expect((await pushStreamed(newRepository(), randomBlob(1))).status).toBe(201);
    expect(chunksOf(line)).toEqual(['PATCH 0-0', 'PATCH 0-0']);
  });

  test('after as long as Retry-After says', async () => {
    const busy: Fault = { kind: 'answer', status: 429, headers: { 'Retry-After': '1' } };
    await openLine(server.url, { fault: failing(isPatch, busy) });
    const start = performance.now();
    expect((await pushStreamed(newRepository(), randomBlob(1000))).status).toBe(201);
    expect(performance.now() - start).toBeGreaterThan(1000);
  });

  test('however often it is hindered, while it gets forward', async () => {
    const fault = (seen: Seen): Fault | null =>
      isPatch(seen) && (seen.length ?? 0) > 600_000 ? { kind: 'cut', after: 600_000 } : null;
    const line = await openLine(server.url, { fault, attempts: 5, chunkSize: 5_000_000 });
    expect((await pushStreamed(newRepository(), randomBlob(5_000_000))).status).toBe(201);
    expect(line.told.lines.length).toBeGreaterThan(5);
  });
});

describe('what comes after', () => {
  test('a body that broke off goes on where the session is, without Content-Range', async () => {
    const line = await openLine(server.url, {
      fault: failing(isSecond, BAD_GATEWAY, BAD_GATEWAY),
      attempts: 2,
    });
    const repository = newRepository();
    const { bytes, digest } = randomBlob(300_000);
    const location = await startUpload(repository);
    const broken = { headers: BYTES, body: streamOf(bytes.slice(0, 250_000)) };
    expect((await call('PATCH', location, broken)).status).toBe(502);
    expect(header(await call('GET', location), 'Range')).toBe('0-99999');
    const rest = { headers: BYTES, body: streamOf(bytes.slice(100_000)) };
    expect((await call('PATCH', location, rest)).status).toBe(202);
    expect((await call('PUT', withQuery(location, 'digest', digest))).status).toBe(201);
    expect(chunksOf(line).at(-1)).toBe('PATCH 200000-299999');
  });

  test('an empty body goes on where the session is', async () => {
    await openLine(server.url);
    const repository = newRepository();
    const { bytes, digest } = randomBlob(250_000);
    const location = await startUpload(repository);
    for (const body of [streamOf(bytes.slice(0, 100_000)), '', streamOf(bytes.slice(100_000))]) {
      expect((await call('PATCH', location, { headers: BYTES, body })).status).toBe(202);
    }
    expect((await call('PUT', withQuery(location, 'digest', digest))).status).toBe(201);
  });

  test.each([1, 100_000])(
    'bytes that another sent, %i of them, does not take these for them',
    async (size) => {
      await openLine(server.url);
      const repository = newRepository();
      const { bytes, digest } = randomBlob(250_000);
      const location = await startUpload(repository);
      const other = { method: 'PATCH', body: bytes.slice(0, size) };
      expect((await fetch(`${server.url}${location}`, other)).status).toBe(202);
      const rest = { headers: BYTES, body: streamOf(bytes.slice(size)) };
      expect((await call('PATCH', location, rest)).status).toBe(202);
      expect((await call('PUT', withQuery(location, 'digest', digest))).status).toBe(201);
    },
  );
});

describe('a push ends', () => {
  test('when the edge does not come back', async () => {
    const line = await openLine(server.url, {
      fault: (seen) => (isPatch(seen) ? BAD_GATEWAY : null),
      attempts: 3,
    });
    const answer = await pushStreamed(newRepository(), randomBlob(250_000));
    expect(answer.status).toBe(502);
    expect(chunksOf(line)).toHaveLength(3);
    expect(line.told.lines.at(-1)).toContain('the registry answered 502');
  });

  test('when the session is gone', async () => {
    const line = await openLine(server.url);
    const location = await startUpload(newRepository());
    await fetch(`${server.url}${location}`, { method: 'DELETE' });
    const body = streamOf(randomBlob(250_000).bytes);
    const answer = await call('PATCH', location, { headers: BYTES, body });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ errors: [{ code: 'BLOB_UPLOAD_UNKNOWN' }] });
    expect(chunksOf(line)).toHaveLength(1);
  });

  test('when the session has lost what is not at hand any more', async () => {
    const behind: Fault = { kind: 'answer', status: 204, headers: { Range: '0-9' } };
    const faults = { PATCH: failing(isSecond, CUT), GET: () => behind };
    const line = await openLine(server.url, {
      fault: (seen) => faults[seen.method as keyof typeof faults]?.(seen) ?? null,
    });
    const answer = await pushStreamed(newRepository(), randomBlob(250_000));
    expect(answer.status).toBe(502);
    expect(line.told.lines.join()).toContain('the registry has 10 bytes of an upload of which');
  });

  test('and the client that still sends sees why', async () => {
    const line = await openLine(server.url, {
      fault: (seen) => (isPatch(seen) ? { kind: 'cut', after: 0 } : null),
      attempts: 2,
    });
    const location = await startUpload(newRepository());
    const outgoing = request(`${line.proxy.url}${location}`, {
      method: 'PATCH',
      headers: { 'Content-Length': 16_000_000 },
    });
    outgoing.end(randomBlob(16_000_000).bytes);
    const [[answer]] = await Promise.all([once(outgoing, 'response'), once(outgoing, 'finish')]);
    expect(answer.statusCode).toBe(502);
    expect(await text(answer)).toContain('UNAVAILABLE');
  }, 8000);

  test('when the client goes away during the end of it, which is not undone', async () => {
    const line = await openLine(server.url, {
      fault: failing(isPut, { kind: 'delay', milliseconds: 300 }),
    });
    const location = await startUpload(newRepository());
    const { bytes, digest } = randomBlob(1000);
    const leaving = new AbortController();
    await call('PATCH', location, { headers: BYTES, body: streamOf(bytes) });
    const closing = fetch(`${line.proxy.url}${withQuery(location, 'digest', digest)}`, {
      method: 'PUT',
      signal: leaving.signal,
    });
    await expect.poll(() => line.edge.seen.some(isPut)).toBe(true);
    leaving.abort();
    await expect(closing).rejects.toThrow();
    await expect.poll(() => line.told.lines.at(-1)).toContain('the client went away');
    expect(line.edge.seen.map(({ method }) => method)).not.toContain('DELETE');
  });

  test('when the client goes away, and frees what was stored', async () => {
    const busy: Fault = { kind: 'answer', status: 429 }; // with the chunk that broke off
    const line = await openLine(server.url, {
      fault: failing(({ method }) => method === 'DELETE', busy, busy),
    });
    const location = await startUpload(newRepository());
    const leaving = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(randomBlob(130_000).bytes),
    });
    const sending = fetch(`${line.proxy.url}${location}`, {
      method: 'PATCH',
      body,
      duplex: 'half',
      signal: leaving.signal,
    } as RequestInit);
    await expect.poll(() => chunksOf(line)).toEqual(['PATCH 0-99999']);
    leaving.abort();
    await expect(sending).rejects.toThrow();
    const status = () => fetch(`${server.url}${location}`).then(({ status }) => status);
    await expect.poll(status).toBe(404);
    await expect.poll(() => line.told.lines.at(-1)).toContain('the client went away');
  });

  test('when the client goes away that sends chunks, and keeps what was stored', async () => {
    const line = await openLine(server.url);
    const location = await startUpload(newRepository());
    const leaving = new AbortController();
    const sending = fetch(`${line.proxy.url}${location}`, {
      method: 'PATCH',
      headers: { 'Content-Range': '0-299999' },
      body: new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(randomBlob(130_000).bytes),
      }),
      duplex: 'half',
      signal: leaving.signal,
    } as RequestInit);
    await expect.poll(() => chunksOf(line)).toEqual(['PATCH 0-99999']);
    const offset = async () => (await fetch(`${server.url}${location}`)).headers.get('Range');
    await expect.poll(offset).toBe('0-99999');
    leaving.abort();
    await expect(sending).rejects.toThrow();
    await expect.poll(() => line.told.lines.at(-1)).toContain('the client went away');
    expect(line.edge.seen.map(({ method }) => method)).not.toContain('DELETE');
    const answer = await fetch(`${server.url}${location}`);
    expect(header(answer, 'Range')).toBe('0-99999');
  });
});
