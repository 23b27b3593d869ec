/** Pushes at once at the edge of a quota: it is never passed, and what fits gets in. */
import { afterEach, expect, test } from 'vitest';
import { call, pushBlob, pushManifest, startUpload, withQuery } from '../support/client.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import {
  expectFull,
  expectRightUsage,
  newNamespace,
  setQuota,
  usedBytes,
} from '../support/quotas.ts';
import { expectNoOrphans, query } from '../support/storage.ts';

afterEach(async () => {
  await expectNoOrphans();
  await expectRightUsage();
});

/** Asserts that `fitting` of the answers are 201, and that the quota refused the others. */
async function expectFitting(answers: readonly Response[], fitting: number): Promise<void> {
  const refused = answers.filter(({ status }) => status !== 201);
  expect(answers.length - refused.length).toBe(fitting);
  for (const response of refused) {
    await expectFull(response, /has no room for this/);
  }
}

test.each([
  { room: 999, fitting: 0 },
  { room: 1000, fitting: 1 },
  { room: 3500, fitting: 3 },
  { room: 8000, fitting: 8 },
])('of 8 blobs of 1,000 bytes, $fitting fit into $room', async ({ room, fitting }) => {
  const namespace = await newNamespace({ bytes: room });
  const uploads = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => ({
      blob: randomBlob(1000),
      location: await startUpload(`${namespace}/${index % 3}`), // before any of them counts
    })),
  );
  const answers = await Promise.all(
    uploads.map(({ blob, location }) =>
      call('PUT', withQuery(location, 'digest', blob.digest), { body: blob.bytes }),
    ),
  );
  await expectFitting(answers, fitting);
  expect(await usedBytes(namespace)).toBe(fitting * 1000);
  await Promise.all(uploads.map(({ location }) => call('DELETE', location)));
});

test('the same content pushed at once to many repositories counts once', async () => {
  const namespace = await newNamespace({ bytes: 1000 });
  const blob = randomBlob(1000);
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => pushBlob(`${namespace}/${index}`, blob)),
  );
  expect(await usedBytes(namespace)).toBe(1000);
});

test('of manifests that fit one at a time, one gets in', async () => {
  const namespace = await newNamespace();
  const images = Array.from({ length: 4 }, () => randomImage());
  for (const blob of images.flatMap(({ blobs }) => blobs)) {
    await pushBlob(`${namespace}/app`, blob);
  }
  const size = Math.max(...images.map(({ bytes }) => bytes.byteLength));
  await setQuota(namespace, { bytes: (await usedBytes(namespace)) + size });
  const answers = await Promise.all(
    images.map((image) => pushManifest(`${namespace}/app`, image, 'latest')),
  );
  await expectFitting(answers, 1);
});

test('of repositories made at once, as many as may be', async () => {
  const namespace = await newNamespace({ repositories: 2 });
  const blob = randomBlob(10);
  const answers = await Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      const location = await startUpload(`${namespace}/${index}`);
      return call('PUT', withQuery(location, 'digest', blob.digest), { body: blob.bytes });
    }),
  );
  await expectFitting(answers, 2);
  const names = await query('SELECT name FROM repositories WHERE namespace = ?1', namespace);
  expect(names).toHaveLength(2);
});
