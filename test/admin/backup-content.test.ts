/** What a backup has of what is deleted, purged, or comes back while it is made. */
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { EXPORTED } from '../../src/storage/metadata/backup-tables.ts';
import { call as protocol, push } from '../support/client.ts';
import { randomImage, type TestManifest } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { ADMIN, call } from './api.ts';
import { lose, type Rows, readAll } from './restoring.ts';

beforeEach(lose);

const json = (rows: Rows) => JSON.stringify(rows);

const deleteManifest = (repository: string, { digest }: TestManifest) =>
  protocol('DELETE', `/v2/${repository}/manifests/${digest}`);

/** As if the days to restore it were over. */
const expire = (digest: string) =>
  env.DB.prepare('UPDATE deleted_manifests SET expires_at = unixepoch() WHERE digest = ?1')
    .bind(digest)
    .run();

test('what was purged or has expired is not in it, though the collector has not come yet', async () => {
  const [kept, secret, expired, deleted] = [0, 1, 2, 3].map(() => randomImage());
  if (!kept || !secret || !expired || !deleted) {
    throw new Error('four images');
  }
  await push('acme/app', kept, 'v1');
  await push('acme/app', expired);
  await push('acme/app', deleted);
  await push('acme/secret', secret, 'v1');
  for (const manifest of [expired, deleted]) {
    await deleteManifest('acme/app', manifest);
  }
  // The links of what was deleted go by the collector's review.
  await env.DB.prepare(
    'DELETE FROM repository_blobs WHERE digest IN (SELECT value FROM json_each(?1))',
  )
    .bind(JSON.stringify([...expired.blobs, ...deleted.blobs].map(({ digest }) => digest)))
    .run();
  await expire(expired.digest);
  const forgotten = `sha256:${'f'.repeat(64)}`;
  await env.DB.prepare(
    `INSERT INTO forgotten_subjects SELECT id, ?1 FROM repositories WHERE name = 'acme/secret'`,
  )
    .bind(forgotten)
    .run();
  const [id] = await query("SELECT id FROM repositories WHERE name = 'acme/secret'");
  await call(ADMIN, 'DELETE', '/namespaces/acme/repositories/acme%2Fsecret');
  expect(json(await readAll())).toContain(secret.digest); // it can be restored
  const purged = await call(ADMIN, 'DELETE', `/namespaces/acme/deleted-repositories/${id}`);
  expect(purged.status).toBe(204);

  const { audit, ...rows } = await readAll();
  expect(audit?.length).toBeGreaterThan(0);
  for (const { digest, blobs } of [secret, expired]) {
    for (const gone of [digest, ...blobs.map((blob) => blob.digest)]) {
      expect(json(rows)).not.toContain(gone);
    }
  }
  expect(json(rows)).not.toContain('acme/secret');
  expect(json(rows)).not.toContain(forgotten);
  for (const { digest, blobs } of [kept, deleted]) {
    for (const there of [digest, ...blobs.map((blob) => blob.digest)]) {
      expect(json(rows)).toContain(there);
    }
  }
});

test('gc shows and takes apart what was purged', async () => {
  await push('acme/secret', randomImage(), 'v1');
  const [id] = await query("SELECT id FROM repositories WHERE name = 'acme/secret'");
  await call(ADMIN, 'DELETE', '/namespaces/acme/repositories/acme%2Fsecret');
  const collection = async (dryRun: boolean) =>
    (await call(ADMIN, 'POST', '/collection', { body: { dryRun } })).json;
  expect((await collection(true)).repositories).toBe(0);
  await call(ADMIN, 'DELETE', `/namespaces/acme/deleted-repositories/${id}`);
  expect((await collection(true)).repositories).toBe(1);
  expect((await collection(false)).repositories).toBe(1);
  expect(await query('SELECT count(*) FROM repositories')).toEqual([0]);
  expect(await query('SELECT count(*) FROM blobs')).toEqual([0]);
});

test('a manifest that is restored, or deleted, while it is made is in it, whenever that is', async () => {
  const image = randomImage();
  await push('acme/app', image);
  const path = `/repositories/acme%2Fapp/deleted-manifests/${image.digest}/restore`;
  for (let at = 0; at < EXPORTED.length; at++) {
    await deleteManifest('acme/app', image);
    const undone = await readAll(async (now) => {
      if (now === at) {
        expect((await call(ADMIN, 'POST', path, { body: {} })).status).toBe(200);
      }
    });
    expect(json({ a: undone.manifests ?? [], b: undone.deleted_manifests ?? [] })).toContain(
      image.digest,
    );
    const deleted = await readAll(async (now) => {
      if (now === at) {
        expect((await deleteManifest('acme/app', image)).status).toBe(202);
      }
    });
    expect(json({ a: deleted.manifests ?? [], b: deleted.deleted_manifests ?? [] })).toContain(
      image.digest,
    );
    await call(ADMIN, 'POST', path, { body: {} });
  }
});
