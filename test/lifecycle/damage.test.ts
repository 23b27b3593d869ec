/** What is damaged is not served, and a push mends it for everybody who sees it. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { PART_SIZE } from '../../src/uploads/part-buffer.ts';
import {
  call,
  errorsOf,
  newRepository,
  push,
  pushBlob,
  pushManifest,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { contentKey, isCached } from '../support/counting.ts';
import { randomBlob, randomImage, type TestBlob } from '../support/images.ts';
import { expectBlob, expectNoOrphans, keysInBucket, newStores, query } from '../support/storage.ts';
import { DAMAGES, emptyStorage, keyOf, pushInParts, scrub } from './scrubbing.ts';

afterEach(emptyStorage);

const statusOf = async (method: string, path: string) => (await call(method, path)).status;

/** A blob that two repositories see, damaged and scrubbed; both have read it before. */
async function damaged(kind: keyof typeof DAMAGES, blob: TestBlob = randomBlob(1000)) {
  const [first, second] = [newRepository(), newRepository()];
  await pushInParts(first, blob);
  await call('POST', `/v2/${second}/blobs/uploads/?mount=${blob.digest}&from=${first}`);
  const paths = [first, second].map((repository) => `/v2/${repository}/blobs/${blob.digest}`);
  for (const repository of [first, second]) {
    await expectBlob(repository, blob);
  }
  const key = await keyOf(blob);
  await DAMAGES[kind](blob);
  expect((await scrub()).problems).toMatchObject([{ kind, digest: blob.digest, key }]);
  return { first, second, paths, blob, key };
}

describe.each(['missing', 'size', 'digest'] as const)('a blob with the damage "%s"', (kind) => {
  test('is refused, with what to do', async () => {
    const { first, paths, blob } = await damaged(kind);
    for (const path of paths) {
      const answer = await call('GET', path);
      expect(answer.status).toBe(404);
      expect(await errorsOf(answer)).toEqual([
        { code: 'BLOB_UNKNOWN', message: 'the blob is damaged in storage; push it again' },
      ]);
      expect(await statusOf('HEAD', path)).toBe(404);
    }
    const third = newRepository();
    const mount = `/v2/${third}/blobs/uploads/?mount=${blob.digest}`;
    expect(await statusOf('POST', `${mount}&from=${first}`)).toBe(202);
    expect(await statusOf('POST', mount)).toBe(202);
  });

  test.each([
    ['a small one', 1000],
    ['one of several parts', 1.5 * PART_SIZE],
  ])('is mended by a push of anybody, for all: %s', async (_, size) => {
    const { first, second, blob, key } = await damaged(kind, randomBlob(size));
    await pushBlob(newRepository(), blob);
    await expectBlob(first, blob);
    await expectBlob(second, blob);
    expect(await keyOf(blob)).not.toBe(key);
    expect(await query('SELECT r2_key FROM trash')).toEqual([key]);
    expect(await scrub()).toMatchObject({ problems: [], orphans: { objects: 0 } });
  });
});

test('bytes that were cached while they were wrong are not served after the mending', async () => {
  const repository = newRepository();
  const blob = randomBlob(1000);
  await pushBlob(repository, blob);
  await DAMAGES.digest(blob);
  const path = `/v2/${repository}/blobs/${blob.digest}`;
  expect(await statusOf('GET', path)).toBe(200); // nobody knows yet
  const wrong = await contentKey(blob.digest);
  await expect.poll(() => isCached('http://registry.test', wrong)).toBe(true);
  await scrub();
  await pushBlob(repository, blob);
  await expectBlob(repository, blob);
});

test('two pushes at once mend it once; the other object goes to the trash', async () => {
  const { first, second, blob, key } = await damaged('digest');
  const uploads = await Promise.all(
    [first, second].map(async (repository) => {
      const location = await startUpload(repository);
      await call('PATCH', location, { body: blob.bytes });
      return withQuery(location, 'digest', blob.digest);
    }),
  );
  const answers = await Promise.all(uploads.map((location) => statusOf('PUT', location)));
  expect(answers).toEqual([201, 201]);
  const trashed = await query('SELECT r2_key FROM trash');
  expect(trashed).toHaveLength(2);
  expect(trashed).toContain(key);
  await expectBlob(first, blob);
  await expectBlob(second, blob);
  await expectNoOrphans();
});

test('the mark goes when the object is deleted for good', async () => {
  const { first, blob, key } = await damaged('digest');
  await pushBlob(first, blob);
  expect(await query('SELECT r2_key FROM damaged_objects')).toEqual([key]);
  await env.DB.exec('UPDATE trash SET delete_after = 0');
  await collect(newStores());
  expect(await query('SELECT r2_key FROM damaged_objects')).toEqual([]);
  expect(await keysInBucket()).not.toContain(key);
  await expectBlob(first, blob);
});

test('an object that was put back is served again after the next scrub', async () => {
  const { first, blob, key } = await damaged('missing');
  await env.BUCKET.put(key, blob.bytes);
  expect((await scrub()).problems).toEqual([]);
  await expectBlob(first, blob);
});

test('a blob that is whole keeps its object when it is pushed again', async () => {
  const repository = newRepository();
  const blob = randomBlob(1000);
  await pushBlob(repository, blob);
  const key = await keyOf(blob);
  await pushBlob(repository, blob);
  expect(await keyOf(blob)).toBe(key);
});

describe.each(['missing', 'size', 'digest'] as const)('a large manifest, "%s"', (kind) => {
  test('is refused, and mended by a push of the same', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(1_500_000) } });
    await push(repository, image, 'latest');
    const key = await keyOf(image);
    await DAMAGES[kind](image);
    await scrub();
    for (const reference of ['latest', image.digest]) {
      const path = `/v2/${repository}/manifests/${reference}`;
      expect(await errorsOf(await call('GET', path))).toMatchObject([
        { code: 'MANIFEST_UNKNOWN', message: 'the manifest is damaged in storage; push it again' },
      ]);
      expect(await statusOf('HEAD', path)).toBe(404);
    }
    expect((await pushManifest(repository, image)).status).toBe(201);
    expect(await query('SELECT r2_key FROM trash')).toEqual([key]);
    const pulled = await call('GET', `/v2/${repository}/manifests/latest`);
    expect(new Uint8Array(await pulled.arrayBuffer())).toEqual(image.bytes);
    expect((await scrub()).problems).toEqual([]);
    await expectNoOrphans();
  });
});
