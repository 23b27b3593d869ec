/** Every awkward size around the part boundary, in every way to send a blob. */
import { afterAll, describe, expect, test } from 'vitest';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import { streamOf } from '../support/bodies.ts';
import {
  call,
  chunkHeaders,
  header,
  newRepository,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { digestOf, randomBytes, type TestBlob } from '../support/images.ts';
import { expectBlob, expectNoOrphans, query, sessionOf, storedValues } from '../support/storage.ts';

const content = randomBytes(3 * PART_SIZE + 54_321);

function blobOfSize(size: number, algorithm: 'sha256' | 'sha512' = 'sha256'): TestBlob {
  const bytes = content.subarray(0, size);
  return { bytes, digest: digestOf(bytes, algorithm) };
}

async function finish(location: string, blob: TestBlob): Promise<void> {
  const response = await call('PUT', withQuery(location, 'digest', blob.digest));
  expect(response.status, await response.text()).toBe(201);
}

const SIZES = [
  0,
  1,
  PART_SIZE - 1,
  PART_SIZE,
  PART_SIZE + 1,
  2 * PART_SIZE,
  3 * PART_SIZE + 54_321,
];

afterAll(async () => {
  await expectNoOrphans();
  expect(await query('SELECT id FROM uploads')).toEqual([]);
});

describe('one streamed PATCH of unknown length, as docker sends it', () => {
  test.each(SIZES)('%i bytes', async (size) => {
    const repository = newRepository();
    const blob = blobOfSize(size);
    const location = await startUpload(repository);
    const response = await call('PATCH', location, { body: streamOf(blob.bytes) });
    expect(response.status).toBe(202);
    expect(header(response, 'Range')).toBe(`0-${Math.max(0, size - 1)}`);
    await finish(location, blob);
    await expectBlob(repository, blob);
    expect(await storedValues(sessionOf(location).stub)).toBe(1); // the answer to a repeated PUT
  });
});

describe('one PUT of known length, as containerd sends it', () => {
  test.each(SIZES)('%i bytes', async (size) => {
    const repository = newRepository();
    const blob = blobOfSize(size);
    const url = withQuery(await startUpload(repository), 'digest', blob.digest);
    const response = await call('PUT', url, { body: blob.bytes });
    expect(response.status).toBe(201);
    await expectBlob(repository, blob);
  });
});

describe('one PUT of unknown length', () => {
  test.each([0, 1, PART_SIZE + 1])('%i bytes', async (size) => {
    const repository = newRepository();
    const blob = blobOfSize(size);
    const url = withQuery(await startUpload(repository), 'digest', blob.digest);
    const response = await call('PUT', url, { body: streamOf(blob.bytes) });
    expect(response.status).toBe(201);
    await expectBlob(repository, blob);
  });
});

describe('chunks that meet around the boundary', () => {
  test.each([
    [1, PART_SIZE],
    [PART_SIZE - 1, PART_SIZE, PART_SIZE + 1],
    [PART_SIZE, 2 * PART_SIZE],
    [5, PART_SIZE + 5, 2 * PART_SIZE - 1],
  ])('cut at %i and %i', async (...cuts) => {
    const repository = newRepository();
    const blob = blobOfSize(2 * PART_SIZE + 7);
    const location = await startUpload(repository);
    let first = 0;
    for (const end of [...cuts, blob.bytes.byteLength]) {
      const body = blob.bytes.slice(first, end);
      const response = await call('PATCH', location, { headers: chunkHeaders(first, body), body });
      expect(response.status).toBe(202);
      first = end;
    }
    await finish(location, blob);
    await expectBlob(repository, blob);
  });

  test('the last chunk, with the PUT, fills a part and begins another', async () => {
    const repository = newRepository();
    const blob = blobOfSize(PART_SIZE + 9);
    const location = await startUpload(repository);
    await call('PATCH', location, { body: blob.bytes.slice(0, PART_SIZE - 3) });
    const response = await call('PUT', withQuery(location, 'digest', blob.digest), {
      body: blob.bytes.slice(PART_SIZE - 3),
    });
    expect(response.status).toBe(201);
    await expectBlob(repository, blob);
  });
});

test('sha512 that is known only at the PUT is read back from several parts', async () => {
  const repository = newRepository();
  const blob = blobOfSize(PART_SIZE + 100, 'sha512');
  const location = await startUpload(repository);
  await call('PATCH', location, { body: streamOf(blob.bytes) });
  await finish(location, blob);
  await expectBlob(repository, blob);
});

test('announced sha512 is hashed while several parts pass', async () => {
  const repository = newRepository();
  const blob = blobOfSize(PART_SIZE + 101, 'sha512');
  const location = await startUpload(repository, '?digest-algorithm=sha512');
  await call('PATCH', location, { body: streamOf(blob.bytes) });
  await finish(location, blob);
  await expectBlob(repository, blob);
});
