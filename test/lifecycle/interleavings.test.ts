/**
 * The orders in which pushes and collection meet that have cost other registries data, each driven by
 * hand. test/model has all the others.
 */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { reconcile } from '../../src/lifecycle/reconcile.ts';
import {
  call,
  expectError,
  newRepository,
  push,
  pushBlob,
  pushManifest,
} from '../support/client.ts';
import { indexOf, randomBlob, randomImage, type TestManifest } from '../support/images.ts';
import { expectBlob, expectNoOrphans, newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

afterEach(expectNoOrphans);

const run = () => collect(newStores());

/** Long enough for everything that nothing holds to go, but for what can be restored. */
async function collectAll(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await wait(20 * DAY);
    await run();
  }
}

async function expectPull(repository: string, image: TestManifest, tag: string): Promise<void> {
  const response = await call('GET', `/v2/${repository}/manifests/${tag}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('Docker-Content-Digest')).toBe(image.digest);
  for (const blob of image.blobs) {
    await expectBlob(repository, blob);
  }
}

const head = async (repository: string, what: string) =>
  (await call('HEAD', `/v2/${repository}/${what}`)).status;

const mount = (to: string, from: string, digest: string) =>
  call('POST', `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`);

describe('a pusher who found a blob, and the collector before their manifest', () => {
  async function pushBlobs(repository: string, image: TestManifest): Promise<void> {
    for (const blob of image.blobs) {
      await pushBlob(repository, blob);
    }
  }

  test('by HEAD: it stays', async () => {
    const [repository, image] = [newRepository(), randomImage()];
    await pushBlobs(repository, image);
    await wait(30 * DAY);
    for (const { digest } of image.blobs) {
      expect(await head(repository, `blobs/${digest}`)).toBe(200);
    }
    await wait(DAY - 60); // the longest upload session of another layer
    await run();
    expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
    await expectPull(repository, image, 'latest');
  });

  test('by HEAD in the second half of a lease: it stays as long', async () => {
    const [repository, image] = [newRepository(), randomImage()];
    await pushBlobs(repository, image);
    await wait(DAY - 60);
    for (const { digest } of image.blobs) {
      await head(repository, `blobs/${digest}`);
    }
    await wait(DAY - 60);
    await run();
    expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
  });

  test('by mount: it stays', async () => {
    const [source, repository, image] = [newRepository(), newRepository(), randomImage()];
    await push(source, image, 'latest');
    for (const { digest } of image.blobs) {
      expect((await mount(repository, source, digest)).status).toBe(201);
    }
    await call('DELETE', `/v2/${source}/manifests/${image.digest}`);
    await wait(DAY);
    await run();
    expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
    await expectPull(repository, image, 'latest');
  });

  test('too long ago: the manifest is refused whole, and a new push succeeds', async () => {
    const [repository, image] = [newRepository(), randomImage()];
    await pushBlobs(repository, image);
    await collectAll();
    const refused = await pushManifest(repository, image, 'latest');
    await expectError(refused, 400, 'MANIFEST_BLOB_UNKNOWN');
    expect(await head(repository, 'manifests/latest')).toBe(404);
    await push(repository, image, 'latest');
    await expectPull(repository, image, 'latest');
  });
});

test('content that is pushed again after it was collected keeps its new object', async () => {
  const [repository, blob] = [newRepository(), randomBlob(1000)];
  await pushBlob(repository, blob);
  const [old] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest);
  await wait(3 * DAY);
  await run(); // the row goes, the object waits in the trash
  await pushBlob(repository, blob);
  await wait(DAY + 60);
  expect(await run()).toMatchObject({ objects: 1 });
  const [young] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest);
  expect(young).not.toBe(old);
  await expectBlob(repository, blob);
});

test('two pushers of the same content: the object of the second goes, the blob stays', async () => {
  const [repository, blob] = [newRepository(), randomBlob(1000)];
  await Promise.all([pushBlob(repository, blob), pushBlob(repository, blob)]);
  expect(await query("SELECT count(*) FROM trash WHERE r2_key LIKE 'blobs/%'")).toEqual([1]);
  await wait(DAY);
  expect(await run()).toMatchObject({ objects: 1 });
  await expectBlob(repository, blob);
});

test('a manifest that is deleted and pushed again is kept with all its blobs', async () => {
  const [repository, image] = [newRepository(), randomImage()];
  await push(repository, image, 'latest');
  await call('DELETE', `/v2/${repository}/manifests/${image.digest}`);
  expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
  await collectAll();
  await expectPull(repository, image, 'latest');
});

test('a tag that leaves a manifest and comes back keeps it', async () => {
  const [repository, image, other] = [newRepository(), randomImage(), randomImage()];
  await push(repository, image, 'latest');
  await push(repository, other, 'latest');
  await wait(13 * DAY);
  await run();
  expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
  await collectAll();
  await expectPull(repository, image, 'latest');
});

describe('children that wait for their index', () => {
  test('are there for it when they were pushed or asked for lately', async () => {
    const [repository, children] = [newRepository(), [randomImage(), randomImage()]];
    for (const child of children) {
      await push(repository, child);
    }
    await wait(13 * DAY);
    await run();
    for (const { digest } of children) {
      expect(await head(repository, `manifests/${digest}`)).toBe(200);
    }
    await wait(13 * DAY);
    await run();
    const index = indexOf(children);
    expect((await pushManifest(repository, index, 'latest')).status).toBe(201);
    await collectAll();
    for (const child of children) {
      await expectPull(repository, child, child.digest);
    }
  });

  test('that are gone make the index fail whole', async () => {
    const [repository, child] = [newRepository(), randomImage()];
    await push(repository, child);
    await collectAll();
    const refused = await pushManifest(repository, indexOf([child]), 'latest');
    await expectError(refused, 400, 'MANIFEST_BLOB_UNKNOWN');
  });
});

test('a reader who streams a blob that is collected gets all of it', async () => {
  const [repository, blob] = [newRepository(), randomBlob(3_000_000)];
  await pushBlob(repository, blob);
  const response = await call('GET', `/v2/${repository}/blobs/${blob.digest}`);
  await wait(3 * DAY);
  await run();
  expect(await query('SELECT digest FROM blobs WHERE digest = ?1', blob.digest)).toEqual([]);
  expect((await response.arrayBuffer()).byteLength).toBe(blob.bytes.byteLength);
});

test('a session whose intent the clock gave up cannot commit', async () => {
  const repository = newRepository();
  const response = await call('POST', `/v2/${repository}/blobs/uploads/`);
  const location = response.headers.get('Location') ?? '';
  const blob = randomBlob(100);
  await call('PATCH', location, { body: blob.bytes });
  await newStores().metadata.uploads.abandonOverdue(-2 * DAY);
  const finish = await call('PUT', `${location}?digest=${blob.digest}`);
  await expectError(finish, 404, 'BLOB_UPLOAD_UNKNOWN');
  expect(await head(repository, `blobs/${blob.digest}`)).toBe(404);
});

test('an object that a crash left without a row is found, and only when it is old', async () => {
  await env.BUCKET.put('blobs/left-by-a-crash', 'bytes');
  expect(await reconcile(newStores())).toBe(0);
  const impatient = newStores(undefined, { lifetimes: { ...newStores().lifetimes, orphan: 0 } });
  expect(await reconcile(impatient)).toBe(1);
  await wait(DAY);
  await run();
  expect(await env.BUCKET.head('blobs/left-by-a-crash')).toBeNull();
});

test('a bucket full of objects that no row names belongs to a database that was lost', async () => {
  await push(newRepository(), randomImage(), 'latest');
  const keys = Array.from({ length: 200 }, (_, number) => `blobs/of-another-database-${number}`);
  await Promise.all(keys.map((key) => env.BUCKET.put(key, 'bytes')));
  const impatient = newStores(undefined, { lifetimes: { ...newStores().lifetimes, orphan: 0 } });
  await expect(reconcile(impatient)).rejects.toThrow('is this the database of this bucket');
  expect(await query("SELECT count(*) FROM trash WHERE r2_key LIKE 'blobs/of-another%'")).toEqual([
    0,
  ]);
  await env.BUCKET.delete(keys);
});

test('a large manifest that an older Worker deleted can be restored, and is given up like others', async () => {
  const repository = newRepository();
  const image = randomImage({ annotations: { big: 'x'.repeat(1_100_000) } });
  await push(repository, image);
  await env.DB.batch(
    [
      `INSERT INTO trash (r2_key, delete_after)
         SELECT r2_key, unixepoch() + 86400 FROM manifests WHERE digest = ?1`,
      'DELETE FROM manifests WHERE digest = ?1',
    ].map((sql) => env.DB.prepare(sql).bind(image.digest)),
  );
  expect(await query("SELECT r2_key FROM trash WHERE r2_key LIKE 'manifests/%'")).toEqual([]);
  await wait(14 * DAY);
  expect(await run()).toMatchObject({ expired: 1 });
});
