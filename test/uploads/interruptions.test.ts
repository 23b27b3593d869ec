/** Evictions, cut connections and wrong digests: what was acknowledged is never lost. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { cutBody, streamOf } from '../support/bodies.ts';
import {
  call,
  chunkHeaders,
  expectError,
  header,
  newRepository,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { randomBlob, randomDigest, type TestBlob } from '../support/images.ts';
import { expectBlob, expectNoOrphans, query, rowOf, sessionOf } from '../support/storage.ts';

afterEach(expectNoOrphans);

/** What a session reads before it counts. */
const READ_SIZE = 256 * 2 ** 10; // bytes

const put = (location: string, digest: string) =>
  call('PUT', withQuery(location, 'digest', digest));

async function append(location: string, blob: TestBlob, first: number, end?: number) {
  const response = await call('PATCH', location, { body: blob.bytes.slice(first, end) });
  expect(response.status).toBe(202);
  return response;
}

/** How many bytes the session says that it has. */
async function offsetOf(location: string): Promise<number> {
  const response = await call('GET', location);
  expect(response.status).toBe(204);
  const last = Number(header(response, 'Range').replace('0-', ''));
  return last === 0 ? 0 : last + 1;
}

describe('eviction', () => {
  test.each([
    ['between small chunks', 3000, [1000, 2000]],
    ['with a tail of several values', 7 * 2 ** 20, [3_500_000, 6_900_000]],
    ['between parts', 3 * PART_SIZE + 5, [PART_SIZE, 2 * PART_SIZE]],
    ['in the middle of parts', 2 * PART_SIZE + 77, [PART_SIZE - 1, PART_SIZE + 1]],
    ['before the first chunk', 100, [0]],
  ])('%s loses nothing', async (_where, size, cuts) => {
    const repository = newRepository();
    const blob = randomBlob(size);
    const location = await startUpload(repository);
    let first = 0;
    for (const end of [...cuts, size]) {
      await append(location, blob, first, end);
      await evictDurableObject(sessionOf(location).stub);
      expect(await offsetOf(location)).toBe(end);
      first = end;
    }
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test('after several parts: a wrong digest is still found out, and the right one still works', async () => {
    const repository = newRepository();
    const blob = randomBlob(PART_SIZE + 10);
    const location = await startUpload(repository);
    await append(location, blob, 0);
    await evictDurableObject(sessionOf(location).stub);
    const wrong = randomDigest();
    await expectError(await put(location, wrong), 400, 'DIGEST_INVALID');
    expect((await call('HEAD', `/v2/${repository}/blobs/${wrong}`)).status).toBe(404);
    await evictDurableObject(sessionOf(location).stub);
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test('after the commit: the repeated PUT is answered the same', async () => {
    const repository = newRepository();
    const blob = randomBlob(10);
    const location = await startUpload(repository);
    await append(location, blob, 0);
    await put(location, blob.digest);
    await evictDurableObject(sessionOf(location).stub);
    const response = await put(location, blob.digest);
    expect(response.status).toBe(201);
    expect(header(response, 'Docker-Content-Digest')).toBe(blob.digest);
  });
});

describe('a body that breaks off', () => {
  test.each([
    ['at once', 0],
    ['before a part is full', 300_000],
    ['after a part', PART_SIZE + 600_000],
  ])('%s: the upload goes on from the offset that the status tells', async (_where, arrived) => {
    const repository = newRepository();
    const blob = randomBlob(PART_SIZE + 900_000);
    const location = await startUpload(repository);
    const body = cutBody(blob.bytes.slice(0, arrived), blob.bytes.byteLength);
    await expectError(await call('PATCH', location, { body }), 400, 'BLOB_UPLOAD_INVALID');
    const offset = await offsetOf(location);
    expect(offset).toBeLessThanOrEqual(arrived);
    expect(arrived - offset).toBeLessThan(READ_SIZE);
    const rest = blob.bytes.slice(offset);
    const headers = chunkHeaders(offset, rest);
    expect((await call('PATCH', location, { headers, body: rest })).status).toBe(202);
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test('of unknown length is kept as far as it came', async () => {
    const repository = newRepository();
    const blob = randomBlob(900_000);
    const location = await startUpload(repository);
    const { stub } = sessionOf(location);
    const body = cutBody(blob.bytes.slice(0, 600_000), null);
    const answer = await stub.append({ body, length: null, range: null });
    expect(answer).toMatchObject({ error: 'BLOB_UPLOAD_INVALID' });
    const offset = await offsetOf(location);
    expect(600_000 - offset).toBeLessThan(READ_SIZE);
    await append(location, blob, offset);
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test.each([
    ['after as much as the edge takes: the answer tells of the proxy', 95e6, true],
    ['before that: it does not', 80e6, false],
  ])('%s', async (_when, arrived, isTold) => {
    const location = await startUpload(newRepository());
    const body = cutBody(new Uint8Array(arrived), arrived + 1);
    const answer = await call('PATCH', location, { body });
    await expectError(answer, 400, 'BLOB_UPLOAD_INVALID');
    expect((await answer.text()).includes('edgewater proxy')).toBe(isTold);
  });

  test.each([
    ['the whole blob', 800_000, 0],
    ['the last chunk', 400_000, 400_000],
  ])(
    'in a PUT of %s: nothing is committed and the upload can be finished',
    async (_what, length, first) => {
      const repository = newRepository();
      const blob = randomBlob(800_000);
      const location = await startUpload(repository);
      await append(location, blob, 0, first);
      const url = withQuery(location, 'digest', blob.digest);
      const body = cutBody(blob.bytes.slice(first, first + 300_000), length);
      await expectError(await call('PUT', url, { body }), 400, 'BLOB_UPLOAD_INVALID');
      expect((await call('HEAD', `/v2/${repository}/blobs/${blob.digest}`)).status).toBe(404);
      const offset = await offsetOf(location);
      const response = await call('PUT', url, { body: streamOf(blob.bytes.slice(offset)) });
      expect(response.status).toBe(201);
      await expectBlob(repository, blob);
    },
  );

  test('shorter or longer than its Content-Range: refused, and the offset is right', async () => {
    const repository = newRepository();
    const blob = randomBlob(1000);
    const location = await startUpload(repository);
    const short = await call('PATCH', location, {
      headers: { 'Content-Range': '0-499' },
      body: streamOf(blob.bytes.slice(0, 400)),
    });
    await expectError(short, 400, 'SIZE_INVALID');
    expect(await offsetOf(location)).toBe(400);
    const long = await call('PATCH', location, {
      headers: { 'Content-Range': '400-499' },
      body: streamOf(blob.bytes.slice(400)),
    });
    await expectError(long, 400, 'SIZE_INVALID');
    expect(await offsetOf(location)).toBe(500);
    await append(location, blob, 500);
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });
});

describe('a wrong digest', () => {
  test.each([10, PART_SIZE + 10])(
    'loses nothing of %i bytes: PUT again with the right one',
    async (size) => {
      const repository = newRepository();
      const blob = randomBlob(size);
      const location = await startUpload(repository);
      await append(location, blob, 0);
      await expectError(await put(location, randomDigest()), 400, 'DIGEST_INVALID');
      await expectError(await put(location, randomDigest('sha512')), 400, 'DIGEST_INVALID');
      expect((await put(location, blob.digest)).status).toBe(201);
      await expectBlob(repository, blob);
    },
  );

  test('with the whole body in the PUT stores nothing: PUT the body again', async () => {
    const repository = newRepository();
    const blob = randomBlob(5000);
    const location = await startUpload(repository);
    const wrong = withQuery(location, 'digest', randomDigest());
    await expectError(await call('PUT', wrong, { body: blob.bytes }), 400, 'DIGEST_INVALID');
    expect(await env.BUCKET.head((await rowOf(sessionOf(location).stub))?.key ?? '')).toBeNull();
    const right = withQuery(location, 'digest', blob.digest);
    expect((await call('PUT', right, { body: blob.bytes })).status).toBe(201);
    await expectBlob(repository, blob);
  });
});

describe('a database that fails', () => {
  test.each([10, PART_SIZE + 10])(
    'at the commit of %i bytes: the repeated PUT succeeds',
    async (size) => {
      const repository = newRepository();
      const blob = randomBlob(size);
      const location = await startUpload(repository);
      await append(location, blob, 0);
      await env.DB.exec(
        "CREATE TRIGGER away BEFORE INSERT ON blobs BEGIN SELECT RAISE(ABORT, 'the database is away'); END",
      );
      try {
        expect((await put(location, blob.digest)).status).toBeGreaterThanOrEqual(500);
      } finally {
        await env.DB.exec('DROP TRIGGER away');
      }
      expect((await rowOf(sessionOf(location).stub))?.state).toBe('completing');
      expect(await query('SELECT digest FROM blobs WHERE digest = ?1', blob.digest)).toEqual([]);
      await evictDurableObject(sessionOf(location).stub);
      expect((await put(location, blob.digest)).status).toBe(201);
      await expectBlob(repository, blob);
    },
  );
});
