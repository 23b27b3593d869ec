/** What `edgewater proxy` makes of the bodies that clients send, before an edge with a limit. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  call,
  chunkHeaders,
  header,
  newRepository,
  pushBlob,
  startUpload,
  withQuery,
} from '../../support/client.ts';
import { randomBlob } from '../../support/images.ts';
import { Server } from '../server.ts';
import { CHUNK, chunksOf, openLine, pull, streamOf } from './line.ts';

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

describe('the edge', () => {
  test('refuses what is above its limit, by Content-Length and by what arrives', async () => {
    const { edge } = await openLine(server.url);
    const { bytes, digest } = randomBlob(200_000);
    const url = `${edge.url}/v2/${newRepository()}/blobs/uploads/?digest=${digest}`;
    const known = await fetch(url, { method: 'POST', body: bytes.slice() });
    expect(known.status).toBe(413);
    expect(await known.text()).toContain('<html>');
    const unknown = new Request(url, {
      method: 'POST',
      body: streamOf(bytes),
      duplex: 'half',
    } as RequestInit);
    expect((await fetch(unknown)).status).toBe(413);
  });
});

describe('PATCH without a length, as docker and podman send it', () => {
  test.each([
    ['nothing', 0, ['PATCH null']],
    ['a byte', 1, ['PATCH 0-0']],
    ['a byte less than a chunk', CHUNK - 1, [`PATCH 0-${CHUNK - 2}`]],
    ['a chunk', CHUNK, [`PATCH 0-${CHUNK - 1}`]],
    ['a byte more', CHUNK + 1, [`PATCH 0-${CHUNK - 1}`, `PATCH ${CHUNK}-${CHUNK}`]],
    ['two chunks', 2 * CHUNK, ['PATCH 0-99999', 'PATCH 100000-199999']],
    ['more', 250_000, ['PATCH 0-99999', 'PATCH 100000-199999', 'PATCH 200000-249999']],
  ])('%s', async (_size, size, expected) => {
    const line = await openLine(server.url);
    const repository = newRepository();
    const blob = randomBlob(size);
    const location = await startUpload(repository);
    const sent = await call('PATCH', location, { headers: BYTES, body: streamOf(blob.bytes) });
    expect(sent.status).toBe(202);
    expect(header(sent, 'Range')).toBe(`0-${Math.max(size - 1, 0)}`);
    expect(header(sent, 'Docker-Upload-UUID')).toBe(location.split('/').at(-1));
    const closed = await call('PUT', withQuery(header(sent, 'Location'), 'digest', blob.digest));
    expect(closed.status).toBe(201);
    expect(header(closed, 'Docker-Content-Digest')).toBe(blob.digest);
    expect(Buffer.compare(await pull(repository, blob), blob.bytes)).toBe(0);
    expect(chunksOf(line)).toEqual(size === 0 ? [] : expected);
  });

  test('a second one goes on where the first ended', async () => {
    const line = await openLine(server.url);
    const repository = newRepository();
    const blob = randomBlob(180_000);
    const location = await startUpload(repository);
    for (const part of [blob.bytes.slice(0, 150_000), blob.bytes.slice(150_000)]) {
      const sent = await call('PATCH', location, { headers: BYTES, body: streamOf(part) });
      expect(sent.status).toBe(202);
    }
    const closed = await call('PUT', withQuery(location, 'digest', blob.digest));
    expect(closed.status).toBe(201);
    expect(chunksOf(line).at(-1)).toBe('PATCH 150000-179999');
  });

  test('one to a session that began elsewhere asks for its offset', async () => {
    const line = await openLine(server.url);
    const repository = newRepository();
    const blob = randomBlob(220_000);
    const path = `/v2/${repository}/blobs/uploads/`;
    const begun = await fetch(`${server.url}${path}`, { method: 'POST' });
    const location = header(begun, 'Location');
    const first = { method: 'PATCH', body: blob.bytes.slice(0, 60_000) };
    expect((await fetch(`${server.url}${location}`, first)).status).toBe(202);
    const rest = { headers: BYTES, body: streamOf(blob.bytes.slice(60_000)) };
    expect((await call('PATCH', location, rest)).status).toBe(202);
    expect((await call('PUT', withQuery(location, 'digest', blob.digest))).status).toBe(201);
    expect(chunksOf(line)).toEqual(['PATCH 60000-159999', 'PATCH 160000-219999']);
  });
});

describe('PUT of a whole blob, as containerd, buildkit and oras send it', () => {
  test.each([
    [0, []],
    [1, ['PUT 1']],
    [CHUNK, [`PUT ${CHUNK}`]],
    [CHUNK + 1, ['PATCH 0-99999', 'PATCH 100000-100000']],
    [250_000, ['PATCH 0-99999', 'PATCH 100000-199999', 'PATCH 200000-249999']],
  ])('%i bytes', async (size, expected) => {
    const line = await openLine(server.url);
    const repository = newRepository();
    const blob = randomBlob(size);
    await pushBlob(repository, blob);
    expect(chunksOf(line)).toEqual(expected);
    expect(Buffer.compare(await pull(repository, blob), blob.bytes)).toBe(0);
  });

  test('a wrong digest comes back as the registry says it', async () => {
    await openLine(server.url);
    for (const size of [50_000, 250_000]) {
      const { bytes } = randomBlob(size);
      const location = await startUpload(newRepository());
      const wrong = withQuery(location, 'digest', randomBlob(10).digest);
      const answer = await call('PUT', wrong, { headers: BYTES, body: bytes });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ code: 'DIGEST_INVALID' }] });
    }
  });
});

describe('POST with a digest', () => {
  test.each([
    [50_000, ['POST 50000']],
    [250_000, ['PATCH 0-99999', 'PATCH 100000-199999', 'PATCH 200000-249999']],
  ])('%i bytes', async (size, expected) => {
    const line = await openLine(server.url);
    const repository = newRepository();
    const blob = randomBlob(size);
    const path = `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`;
    const answer = await call('POST', path, { headers: BYTES, body: blob.bytes });
    expect(answer.status).toBe(201);
    expect(chunksOf(line)).toEqual(expected);
    expect(Buffer.compare(await pull(repository, blob), blob.bytes)).toBe(0);
  });
});

describe('chunks with Content-Range, as regctl sends them', () => {
  test('go through as they are, and are cut where they are too large', async () => {
    const line = await openLine(server.url);
    const repository = newRepository();
    const blob = randomBlob(230_000);
    const location = await startUpload(repository);
    for (const [first, end] of [
      [0, 50_000],
      [50_000, 200_000],
    ] as const) {
      const part = blob.bytes.slice(first, end);
      const sent = await call('PATCH', location, {
        headers: { ...BYTES, ...chunkHeaders(first, part) },
        body: part,
      });
      expect(sent.status).toBe(202);
      expect(header(sent, 'Range')).toBe(`0-${end - 1}`);
    }
    const last = blob.bytes.slice(200_000);
    const closed = await call('PUT', withQuery(location, 'digest', blob.digest), {
      headers: { ...BYTES, ...chunkHeaders(200_000, last) },
      body: last,
    });
    expect(closed.status).toBe(201);
    expect(chunksOf(line)).toEqual([
      'PATCH 0-49999',
      'PATCH 50000-149999',
      'PATCH 150000-199999',
      'PUT 200000-229999',
    ]);
  });

  test('one that does not follow is answered with 416 and the place to go on from', async () => {
    await openLine(server.url);
    const { bytes } = randomBlob(40_000);
    const location = await startUpload(newRepository());
    const chunk = { headers: { ...BYTES, ...chunkHeaders(7, bytes) }, body: bytes };
    const answer = await call('PATCH', location, chunk);
    expect(answer.status).toBe(416);
    expect(header(answer, 'Location')).toBe(location);
    expect(header(answer, 'Range')).toBe('0-0');
  });

  test('one that contradicts its length is the registry’s to refuse', async () => {
    await openLine(server.url);
    const { bytes } = randomBlob(40_000);
    const location = await startUpload(newRepository());
    const headers = { ...BYTES, 'Content-Range': '0-9' };
    const answer = await call('PATCH', location, { headers, body: bytes });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ code: 'SIZE_INVALID' }] });
  });
});
