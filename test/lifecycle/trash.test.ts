import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import type { Collection } from '../../src/lifecycle/collect.ts';
import { runSchedule } from '../../src/lifecycle/schedule.ts';
import {
  call,
  expectError,
  newRepository,
  push,
  pushBlob,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import {
  expectBlob,
  expectNoOrphans,
  keysInBucket,
  newStores,
  query,
  sessionOf,
} from '../support/storage.ts';

afterEach(expectNoOrphans);

/** How many objects a run of the clock's work deletes. */
async function run(): Promise<number> {
  const { collection } = await runSchedule(newStores(), async () => {});
  return (collection as Collection).objects;
}

const letTrashExpire = () => env.DB.exec('UPDATE trash SET delete_after = unixepoch() - 1');

async function deleteBlob(repository: string, digest: string): Promise<string> {
  const [key] = await query('SELECT r2_key FROM blobs WHERE digest = ?1', digest);
  expect((await call('DELETE', `/v2/${repository}/blobs/${digest}`)).status).toBe(202);
  return String(key);
}

describe('the trash', () => {
  test('an object stays for its grace and goes after it', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    const key = await deleteBlob(repository, blob.digest);
    const [grace] = await query(
      'SELECT delete_after - trashed_at FROM trash WHERE r2_key = ?1',
      key,
    );
    expect(grace).toBe(24 * 60 * 60);
    expect(await run()).toBe(0);
    expect(await keysInBucket()).toContain(key);
    await letTrashExpire();
    expect(await run()).toBe(1);
    expect(await keysInBucket()).not.toContain(key);
    expect(await query('SELECT r2_key FROM trash')).toEqual([]);
    expect(await run()).toBe(0);
  });

  test('content that was pushed again has another key and stays', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    await deleteBlob(repository, blob.digest);
    await pushBlob(repository, blob);
    await letTrashExpire();
    expect(await run()).toBe(1);
    await expectBlob(repository, blob);
  });

  test('a blob that another repository sees never gets there', async () => {
    const [first, second] = [newRepository(), newRepository()];
    const blob = randomBlob(100);
    await pushBlob(first, blob);
    await call('POST', `/v2/${second}/blobs/uploads/?mount=${blob.digest}&from=${first}`);
    await deleteBlob(first, blob.digest);
    await letTrashExpire();
    expect(await run()).toBe(0);
    await expectBlob(second, blob);
  });

  test('the object of a large manifest goes a day after the manifest cannot be restored', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(1_500_000) } });
    await push(repository, image);
    const [key] = await query('SELECT r2_key FROM manifests WHERE digest = ?1', image.digest);
    await call('DELETE', `/v2/${repository}/manifests/${image.digest}`);
    await letTrashExpire();
    expect(await run()).toBe(0);
    await env.DB.exec('UPDATE deleted_manifests SET expires_at = unixepoch()');
    expect(await run()).toBe(0);
    expect(await keysInBucket()).toContain(key);
    await letTrashExpire();
    expect(await run()).toBe(1);
    expect(await keysInBucket()).not.toContain(key);
  });

  test('more keys than R2 deletes in one call, with and without objects, go in one run', async () => {
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
       INSERT INTO trash (r2_key, delete_after) SELECT 'blobs/many-' || i, 0 FROM n`,
    ).run();
    await env.BUCKET.put('blobs/many-2500', 'x');
    expect(await run()).toBe(2500);
    expect(await keysInBucket()).not.toContain('blobs/many-2500');
  });
});

describe('uploads that lost their alarm', () => {
  test('are given up an hour after their end, and cannot be committed any more', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    const location = await startUpload(repository);
    await call('PATCH', location, { body: blob.bytes });
    const { id, stub } = sessionOf(location);
    const expire = (seconds: number) =>
      env.DB.prepare('UPDATE uploads SET expires_at = unixepoch() - ?2 WHERE id = ?1')
        .bind(id, seconds)
        .run();
    await expire(3000);
    await run();
    expect(await query('SELECT id FROM uploads WHERE id = ?1', id)).toEqual([id]);
    await expire(4000);
    await run();
    expect(await query('SELECT id FROM uploads WHERE id = ?1', id)).toEqual([]);
    expect(await query('SELECT r2_key FROM trash')).toEqual([`blobs/${id}`]);
    const response = await call('PUT', withQuery(location, 'digest', blob.digest));
    await expectError(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    expect((await call('HEAD', `/v2/${repository}/blobs/${blob.digest}`)).status).toBe(404);
    expect(await runDurableObjectAlarm(stub)).toBe(false);
    await letTrashExpire();
    expect(await run()).toBe(1);
    expect(await keysInBucket()).not.toContain(`blobs/${id}`);
  });
});
