/** One session, several requests at once, and several sessions with the same content. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { heldStream } from '../support/bodies.ts';
import {
  call,
  chunkHeaders,
  expectError,
  header,
  newRepository,
  pushBlob,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { randomBlob } from '../support/images.ts';
import { expectBlob, expectNoOrphans, query, sessionOf } from '../support/storage.ts';

afterEach(async () => {
  vi.useRealTimers();
  await expectNoOrphans();
});

/** Waits until the session has stored a part of the request under way. */
async function firstPart(location: string): Promise<void> {
  await expect
    .poll(async () => header(await call('GET', location), 'Range'), { timeout: 30_000 })
    .toBe(`0-${PART_SIZE - 1}`);
}

describe('while a PATCH is under way', () => {
  test('others are told to come back, the status answers, and nothing gets mixed up', async () => {
    const repository = newRepository();
    const blob = randomBlob(PART_SIZE + 5000);
    const location = await startUpload(repository);
    const { body, end } = heldStream(blob.bytes);
    const patch = call('PATCH', location, { body });
    await firstPart(location);
    const url = withQuery(location, 'digest', blob.digest);
    const chunk = randomBlob(10).bytes;
    await expectError(await call('PATCH', location, { body: chunk }), 429, 'TOOMANYREQUESTS');
    await expectError(await call('PUT', url), 429, 'TOOMANYREQUESTS');
    await expectError(await call('PUT', url, { body: chunk }), 429, 'TOOMANYREQUESTS');
    await expectError(await call('DELETE', location), 429, 'TOOMANYREQUESTS');
    end();
    expect((await patch).status).toBe(202);
    expect((await call('PUT', url)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test('a chunk that goes on takes the place of a sender who has been silent for 5 seconds', async () => {
    const repository = newRepository();
    const blob = randomBlob(PART_SIZE + 5000);
    const location = await startUpload(repository);
    const held = heldStream(blob.bytes);
    const patch = call('PATCH', location, { body: held.body });
    await firstPart(location);
    const body = blob.bytes.slice(PART_SIZE);
    const rest = { headers: chunkHeaders(PART_SIZE, body), body };
    await expectError(await call('PATCH', location, rest), 429, 'TOOMANYREQUESTS');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5_000 });
    const elsewhere = { headers: chunkHeaders(999, body), body };
    for (const other of [{ body }, elsewhere]) {
      await expectError(await call('PATCH', location, other), 429, 'TOOMANYREQUESTS');
    }
    expect((await call('PATCH', location, rest)).status).toBe(202);
    expect((await patch).status).toBeGreaterThanOrEqual(400);
    held.end();
    expect((await call('PUT', withQuery(location, 'digest', blob.digest))).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test.each([2, 5])('of %i that send the same chunk exactly one is accepted', async (count) => {
    const repository = newRepository();
    const blob = randomBlob(50_000);
    const location = await startUpload(repository);
    const chunk = { headers: chunkHeaders(0, blob.bytes), body: blob.bytes };
    const statuses = await Promise.all(
      Array.from({ length: count }, async () => (await call('PATCH', location, chunk)).status),
    );
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    expect(statuses.filter((status) => ![202, 416, 429].includes(status))).toEqual([]);
    expect((await call('PUT', withQuery(location, 'digest', blob.digest))).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test('chunks that overlap or leave a gap are a 416 with the offset', async () => {
    const blob = randomBlob(1000);
    const location = await startUpload(newRepository());
    await call('PATCH', location, { body: blob.bytes.slice(0, 500) });
    for (const first of [0, 1, 499, 501, 999]) {
      const body = blob.bytes.slice(first, first + 10);
      const response = await call('PATCH', location, { headers: chunkHeaders(first, body), body });
      expect(header(response, 'Range')).toBe('0-499');
      await expectError(response, 416, 'RANGE_INVALID');
    }
    expect((await call('DELETE', location)).status).toBe(204);
  });
});

describe('finishing', () => {
  test('at once, several times: one blob, and every answer is 201 or 429', async () => {
    const repository = newRepository();
    const blob = randomBlob(20_000);
    const location = await startUpload(repository);
    await call('PATCH', location, { body: blob.bytes });
    const url = withQuery(location, 'digest', blob.digest);
    const statuses = await Promise.all([1, 2, 3].map(async () => (await call('PUT', url)).status));
    expect(statuses).toContain(201);
    expect(statuses.filter((status) => status !== 201 && status !== 429)).toEqual([]);
    await expectBlob(repository, blob);
    expect(await query('SELECT size FROM blobs WHERE digest = ?1', blob.digest)).toEqual([20_000]);
  });

  test('and cancelling at once: the upload ends in exactly one of both ways', async () => {
    const repository = newRepository();
    const blob = randomBlob(20_000);
    const location = await startUpload(repository);
    await call('PATCH', location, { body: blob.bytes });
    const [put, cancel] = await Promise.all([
      call('PUT', withQuery(location, 'digest', blob.digest)),
      call('DELETE', location),
    ]);
    expect([put.status, cancel.status].filter((status) => status < 300)).toHaveLength(1);
    const isThere = (await call('HEAD', `/v2/${repository}/blobs/${blob.digest}`)).status === 200;
    expect(isThere).toBe(put.status === 201);
  });

  test('the same content in two repositories is stored once; the other object is in the trash', async () => {
    const [first, second] = [newRepository(), newRepository()];
    const blob = randomBlob(3000);
    const locations = await Promise.all([startUpload(first), startUpload(second)]);
    for (const location of locations) {
      await call('PATCH', location, { body: blob.bytes });
    }
    const answers = await Promise.all(
      locations.map((location) => call('PUT', withQuery(location, 'digest', blob.digest))),
    );
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    await expectBlob(first, blob);
    await expectBlob(second, blob);
    const keys = locations.map((location) => `blobs/${sessionOf(location).id}`);
    const [winner] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest);
    const [loser] = keys.filter((key) => key !== winner);
    expect(keys).toContain(winner);
    expect(await query('SELECT r2_key FROM trash WHERE r2_key IN (?1, ?2)', ...keys)).toEqual([
      loser,
    ]);
  });

  test('a blob that is deleted and pushed again gets a key of its own', async () => {
    const repository = newRepository();
    const blob = randomBlob(3000);
    await pushBlob(repository, blob);
    const [before] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest);
    await call('DELETE', `/v2/${repository}/blobs/${blob.digest}`);
    await pushBlob(repository, blob);
    const [after] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest);
    expect(after).not.toBe(before);
    expect(await query('SELECT r2_key FROM trash WHERE r2_key = ?1', String(before))).toEqual([
      before,
    ]);
    await expectBlob(repository, blob);
  });
});
