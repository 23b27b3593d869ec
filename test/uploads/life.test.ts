/** How a session ends: by commit, cancel, alarm or an intent that is gone. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { heldStream } from '../support/bodies.ts';
import {
  call,
  expectError,
  header,
  newRepository,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { randomBlob, randomDigest, type TestBlob } from '../support/images.ts';
import {
  alarmOf,
  changeRow,
  expectBlob,
  expectNoOrphans,
  query,
  rowOf,
  sessionOf,
  storedValues,
} from '../support/storage.ts';

afterEach(expectNoOrphans);

const put = (location: string, digest: string) =>
  call('PUT', withQuery(location, 'digest', digest));

async function uploadOf(blob: TestBlob, repository = newRepository()): Promise<string> {
  const location = await startUpload(repository);
  expect((await call('PATCH', location, { body: blob.bytes })).status).toBe(202);
  return location;
}

/** Asserts that nothing of a session is left but its key in the trash. */
async function expectGone(location: string): Promise<void> {
  const { id, stub } = sessionOf(location);
  await expectError(await call('GET', location), 404, 'BLOB_UPLOAD_UNKNOWN');
  expect(await storedValues(stub)).toBe(0);
  expect(await alarmOf(stub)).toBeNull();
  expect(await query('SELECT id FROM uploads WHERE id = ?1', id)).toEqual([]);
  expect(await query('SELECT r2_key FROM trash WHERE r2_key = ?1', `blobs/${id}`)).toHaveLength(1);
}

/** Asserts that R2 has dropped a multipart upload. */
async function expectAborted(key: string, multipartId: string): Promise<void> {
  const upload = env.BUCKET.resumeMultipartUpload(key, multipartId);
  await expect(upload.uploadPart(1, new Uint8Array(1))).rejects.toThrow(/10024/);
}

describe('the alarm', () => {
  test.each([0, 10, PART_SIZE + 10])('ends an open upload of %i bytes', async (size) => {
    const location = await uploadOf(randomBlob(size));
    const { stub } = sessionOf(location);
    const row = await rowOf(stub);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    await expectGone(location);
    expect(row?.multipartId != null).toBe(size > PART_SIZE);
    if (row?.multipartId) {
      await expectAborted(row.key, row.multipartId);
    }
  });

  test('leaves an upload alone while bytes arrive, and comes back', async () => {
    const repository = newRepository();
    const blob = randomBlob(PART_SIZE + 5000);
    const location = await startUpload(repository);
    const { stub } = sessionOf(location);
    const { body, end } = heldStream(blob.bytes);
    const patch = call('PATCH', location, { body });
    await expect
      .poll(async () => header(await call('GET', location), 'Range'), { timeout: 30_000 })
      .toBe(`0-${PART_SIZE - 1}`);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await alarmOf(stub)).not.toBeNull();
    end();
    expect((await patch).status).toBe(202);
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test('ends an upload whose digest never came out right', async () => {
    const location = await uploadOf(randomBlob(PART_SIZE + 10));
    const { stub } = sessionOf(location);
    await evictDurableObject(stub);
    await expectError(await put(location, randomDigest()), 400, 'DIGEST_INVALID');
    expect((await rowOf(stub))?.state).toBe('completing');
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    await expectGone(location);
  });

  test('forgets a committed upload and leaves its blob', async () => {
    const repository = newRepository();
    const blob = randomBlob(10);
    const location = await uploadOf(blob, repository);
    await put(location, blob.digest);
    const { stub } = sessionOf(location);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await storedValues(stub)).toBe(0);
    await expectError(await put(location, blob.digest), 404, 'BLOB_UPLOAD_UNKNOWN');
    await expectBlob(repository, blob);
  });

  test('goes on with a clean-up that was interrupted', async () => {
    const location = await uploadOf(randomBlob(PART_SIZE + 10));
    const { stub } = sessionOf(location);
    const row = await rowOf(stub);
    await changeRow(stub, { state: 'closed' });
    await evictDurableObject(stub);
    await expectError(await call('GET', location), 404, 'BLOB_UPLOAD_UNKNOWN');
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    await expectGone(location);
    await expectAborted(row?.key ?? '', row?.multipartId ?? '');
  });
});

describe('cancelling', () => {
  test.each([0, 10, PART_SIZE + 10])('frees an upload of %i bytes', async (size) => {
    const location = await uploadOf(randomBlob(size));
    expect((await call('DELETE', location)).status).toBe(204);
    await expectGone(location);
    await expectError(await call('DELETE', location), 404, 'BLOB_UPLOAD_UNKNOWN');
  });
});

describe('after the commit', () => {
  test('PUT again is the same 201; with another digest, PATCH, GET and DELETE are 404', async () => {
    const repository = newRepository();
    const blob = randomBlob(10);
    const location = await uploadOf(blob, repository);
    expect((await put(location, blob.digest)).status).toBe(201);
    const again = await put(location, blob.digest);
    expect(again.status).toBe(201);
    expect(header(again, 'Location')).toBe(`/v2/${repository}/blobs/${blob.digest}`);
    const refused = [
      put(location, randomDigest()),
      call('PATCH', location, { body: blob.bytes }),
      call('PATCH', location),
      call('GET', location),
      call('DELETE', location),
    ];
    for (const response of await Promise.all(refused)) {
      await expectError(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    }
    await expectBlob(repository, blob);
  });
});

describe('an intent that is gone', () => {
  test.each([10, PART_SIZE + 10])(
    'refuses the commit of %i bytes, and no blob appears',
    async (size) => {
      const repository = newRepository();
      const blob = randomBlob(size);
      const location = await uploadOf(blob, repository);
      const { id } = sessionOf(location);
      await env.DB.batch([
        env.DB.prepare(
          'INSERT INTO trash (r2_key, delete_after) SELECT r2_key, 0 FROM uploads WHERE id = ?1',
        ).bind(id),
        env.DB.prepare('DELETE FROM uploads WHERE id = ?1').bind(id),
      ]);
      await expectError(await put(location, blob.digest), 404, 'BLOB_UPLOAD_UNKNOWN');
      expect((await call('HEAD', `/v2/${repository}/blobs/${blob.digest}`)).status).toBe(404);
      await expectGone(location);
    },
  );

  test('an upload that a crash left behind its commit is answered with 201', async () => {
    const repository = newRepository();
    const blob = randomBlob(10);
    const location = await uploadOf(blob, repository);
    await put(location, blob.digest);
    const { stub } = sessionOf(location);
    await changeRow(stub, { state: 'completing' });
    await evictDurableObject(stub);
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
    expect(
      await query('SELECT r2_key FROM trash WHERE r2_key = ?1', `blobs/${sessionOf(location).id}`),
    ).toEqual([]);
  });
});

describe('whose upload it is', () => {
  test('a session is unknown in every other repository', async () => {
    const repository = newRepository();
    const blob = randomBlob(10);
    const location = await uploadOf(blob, repository);
    const stolen = location.replace(repository, newRepository());
    const attempts = [
      call('GET', stolen),
      call('PATCH', stolen, { body: blob.bytes }),
      put(stolen, blob.digest),
      call('DELETE', stolen),
    ];
    for (const response of await Promise.all(attempts)) {
      await expectError(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    }
    expect((await put(location, blob.digest)).status).toBe(201);
    await expectBlob(repository, blob);
  });

  test.each(['x', crypto.randomUUID(), '..%2f..%2fx', '__proto__', '%00'])(
    'the session %s is unknown',
    async (id) => {
      const path = `/v2/${newRepository()}/blobs/uploads/${id}`;
      await expectError(await call('GET', path), 404, 'BLOB_UPLOAD_UNKNOWN');
    },
  );
});
