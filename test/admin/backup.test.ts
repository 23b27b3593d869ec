/** Backups by the API: pages, objects, copies, and the way back. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { copyDatabase } from '../../src/lifecycle/backup/nightly-copy.ts';
import { reconcile } from '../../src/lifecycle/reconcile.ts';
import { EXPORTED, RESTORED } from '../../src/storage/metadata/backup-tables.ts';
import { LIFETIMES } from '../../src/storage/metadata/lifetimes.ts';
import { push } from '../support/client.ts';
import { indexOf, randomImage, type TestManifest } from '../support/images.ts';
import { keysInBucket, newStores, query } from '../support/storage.ts';
import { ADMIN, call, newNamespace, newUser, stores } from './api.ts';
import { begin, end, lose, newHeader, type Rows, readAll, restore } from './restoring.ts';

async function fill(): Promise<void> {
  await newUser('alice');
  await newNamespace('acme', { alice: 'developer' });
  const images = [randomImage(), randomImage({ annotations: { x: 'y'.repeat(1_200_000) } })];
  for (const [at, image] of images.entries()) {
    await push('acme/app', image, `v${at}`);
  }
  await push('acme/app', indexOf(images), 'latest');
  await mirror(randomImage());
  const gone = randomImage();
  await push('acme/app', gone, 'gone');
  await call(ADMIN, 'GET', '/me');
  await env.DB.prepare('DELETE FROM tags WHERE name = ?1').bind('gone').run();
  await env.DB.prepare('DELETE FROM manifests WHERE digest = ?1').bind(gone.digest).run();
}

/** What a mirror has of an image: its manifest, and no blob. */
async function mirror({ digest, bytes, blobs }: TestManifest): Promise<void> {
  const upstream = { url: 'https://quay.io', username: 'acme', password: 'of the upstream' };
  await call(ADMIN, 'PUT', '/upstreams/quay.io', { body: upstream });
  await env.DB.batch([
    env.DB.prepare("INSERT INTO repositories (name, namespace) VALUES ('quay.io/app', 'quay.io')"),
    env.DB.prepare(
      `INSERT INTO manifests (repository_id, digest, media_type, size, body)
       SELECT id, ?1, 'x/y', ?2, ?3 FROM repositories WHERE name = 'quay.io/app'`,
    ).bind(digest, bytes.byteLength, new TextDecoder().decode(bytes)),
    env.DB.prepare(
      `INSERT INTO tags (repository_id, name, digest)
       SELECT repository_id, 'v1', digest FROM manifests WHERE digest = ?1`,
    ).bind(digest),
    env.DB.prepare(
      `INSERT INTO upstream_tags (repository_id, name, checked_at)
       SELECT repository_id, 'v1', 1 FROM manifests WHERE digest = ?1`,
    ).bind(digest),
    env.DB.prepare(
      `INSERT INTO unfetched_content (repository_id, digest, manifest_digest, kind, size)
       SELECT repository_id, value, digest, 'blob', 1 FROM manifests, json_each(?2) WHERE digest = ?1`,
    ).bind(digest, JSON.stringify(blobs.map((blob) => blob.digest))),
  ]);
}

describe('a backup and its way back', () => {
  test('every row is as it was, whatever is repeated', async () => {
    await fill();
    const before = await readAll();
    expect(before.manifests?.every(({ body }) => typeof body === 'string')).toBe(true);
    expect(before.deleted_manifests).toHaveLength(2); // one, read twice
    await lose();
    expect(await reconcile(newStores(undefined, { lifetimes: { ...LIFETIMES, orphan: 0 } }))).toBe(
      0,
    );

    const backup = newHeader();
    const lastAudit = Math.max(...(before.audit ?? []).map(({ id }) => Number(id)));
    await call(ADMIN, 'POST', '/backup', { body: {} }); // takes the id of an entry of the backup
    expect((await begin(backup, lastAudit)).status).toBe(200);
    for (const table of RESTORED) {
      const rows = (before[table] ?? []).slice(0, 100);
      const first = await restore(table, rows);
      expect(first.status, first.text).toBe(200);
      const again = await restore(table, rows);
      expect(again.json.refused, table).toEqual([]);
      expect((await begin(backup, lastAudit)).status).toBe(200); // goes on
    }
    await end();

    const after = await readAll();
    const [shift] = await query("SELECT state ->> 'own' FROM progress WHERE job = 'restore'");
    const moved = (rows: Rows[string] = []) =>
      rows.map((row) => ({ ...row, ...(row.id !== 0 && { id: Number(row.id) + Number(shift) }) }));
    before.tag_history = moved(before.tag_history); // with the entries of the log whose ids they have
    for (const table of EXPORTED) {
      const isLease = table === 'repository_blobs';
      const strip = (rows: Rows[string] = []) =>
        rows.map((row) => ({ ...row, ...(isLease && { lease_until: 0 }) }));
      if (table !== 'audit') {
        expect(strip(after[table]), table).toEqual(strip(before[table]));
      }
    }
    const events = (rows: Rows[string] = []) =>
      rows.map(({ event, at }) => `${event} ${at}`).sort();
    const own = ['backup.begin', 'restore.begin', 'restore.end'];
    const restored = after.audit?.filter(({ event }) => !own.includes(String(event)));
    expect(events(restored)).toEqual(events(before.audit));
    const ids = (rows: Rows[string] = []) =>
      rows.filter(({ event }) => event === 'tag.set').map(({ id }) => id);
    expect(ids(after.audit)).toEqual(ids(moved(before.audit)));
    expect((await begin()).status).toBe(409);
  });

  test('is refused when its format or schema is another', async () => {
    for (const changes of [{ version: 2 }, { format: 'other' }, { schema: '9999_later.sql' }]) {
      const { status, json } = await begin(newHeader(changes));
      expect(status).toBe(400);
      expect(json.detail).toMatch(/deploy the version/);
    }
  });

  test('rows that cannot be are refused', async () => {
    expect((await restore('users', [{ name: 'x' }])).status).toBe(404); // nothing is under way
    await lose();
    await begin();
    const statuses = [];
    for (const [table, rows] of [
      ['users', [{ name: null, password: 'x' }]],
      ['users', [{ name: 'x', password: 'x', shoe_size: 1 }]],
      ['users', [{ name: 'x', password: { a: 1 } }]],
      ['nothing', []],
      ['progress', []],
      ['users', Array(101).fill({ name: 'x', password: 'x' })],
      ['manifests', [{ repository_id: 1, digest: 'x', r2_key: 'manifests/x', body: 'y', size: 1 }]],
    ] as const) {
      statuses.push((await restore(table, rows)).status);
    }
    expect(statuses).toEqual([400, 400, 400, 404, 404, 400, 400]);
    const orphan = {
      repository_id: 9,
      name: 'v1',
      digest: `sha256:${'0'.repeat(64)}`,
      updated_at: 1,
    };
    expect((await restore('tags', [orphan])).json).toEqual({ refused: [0] });
    const blob = { digest: orphan.digest, r2_key: 'blobs/lost', size: 3, created_at: 1 };
    expect((await restore('blobs', [blob])).json).toEqual({ refused: [0] });
    await end();
  });

  test('keys of pages and objects are what was told', async () => {
    const statuses = [];
    for (const path of [
      '/backup/tables/tags?after=x',
      '/backup/tables/tags?after=[1]',
      '/backup/tables/tags?after=[1,{}]',
      '/backup/tables/nothing',
      '/backup/objects/backups%2Fcomplete%2Fx',
      '/backup/objects/blobs%2Fnone',
      '/backup/copies/x/parts/0',
    ]) {
      statuses.push((await call(ADMIN, 'GET', path)).status);
    }
    expect(statuses).toEqual([400, 400, 400, 404, 404, 404, 404]);
    await env.BUCKET.put('blobs/some', 'content');
    const { text } = await call(ADMIN, 'GET', '/backup/objects/blobs%2Fsome?offset=3');
    expect(text).toBe('tent');
    expect((await call(ADMIN, 'GET', '/backup/objects/blobs%2Fsome?offset=8')).status).toBe(400);
  });
});

describe('the nightly copy', () => {
  test('is made once a day, is whole or not there, and old ones go', async () => {
    await lose();
    expect(await copyDatabase(stores)).toEqual({ copy: null, isDone: true }); // of nothing
    await fill();
    const runs = await Promise.all([copyDatabase(stores), copyDatabase(stores)]);
    expect(runs.filter(({ copy }) => copy !== null)).toHaveLength(1);
    expect(await copyDatabase(stores)).toEqual({ copy: null, isDone: true });
    const { json } = await call(ADMIN, 'GET', '/backup/copies');
    expect(json.copies).toHaveLength(1);
    const [copy] = json.copies;
    expect(copy.rows).toBeGreaterThan(10);
    for (let day = 10; day < 25; day++) {
      await env.BUCKET.put(
        `backups/complete/2020-01-${day}`,
        JSON.stringify({ ...copy, parts: [] }),
      );
      await env.BUCKET.put(`backups/parts/2020-01-${day}/x`, 'x');
    }
    await env.DB.prepare(
      "UPDATE progress SET state = json_set(state, '$.began', 0) WHERE job = 'copy'",
    ).run();
    await copyDatabase(stores);
    const keys = (await keysInBucket()).filter((key) => key.startsWith('backups/'));
    expect(keys.filter((key) => key.startsWith('backups/complete/'))).toHaveLength(14);
    expect(keys.filter((key) => key.startsWith('backups/parts/2020-'))).toHaveLength(
      keys.filter((key) => key.startsWith('backups/complete/2020-')).length,
    );
  });
});
