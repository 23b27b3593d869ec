/** What a restore takes, how it ends, and begins again. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { RESTORED } from '../../src/storage/metadata/backup-tables.ts';
import { pushBlob, pushManifest } from '../support/client.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';
import { ADMIN, audited, call } from './api.ts';
import { begin, end, lose, makeExamples, newHeader, readAll, restore } from './restoring.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

const entry = (id: number) => ({
  id,
  at: 1,
  event: 'tag.set',
  principal: 'mallory',
  repository: 'acme/app',
  target: 'v1',
  after: DIGEST,
});

beforeEach(lose);

describe('the audit log of a restored registry', () => {
  test('has no entries of the backup behind its beginning, and none after its end', async () => {
    await call(ADMIN, 'POST', '/backup', { body: {} });
    await call(ADMIN, 'POST', '/backup', { body: {} });
    await begin(newHeader(), 10);
    expect((await restore('audit', [entry(11)])).status).toBe(400);
    expect((await restore('audit', [entry(0)])).status).toBe(400);
    for (const id of [1, 2, 3, 10]) {
      expect((await restore('audit', [entry(id)])).json).toEqual({ refused: [] });
      expect((await restore('audit', [entry(id)])).json).toEqual({ refused: [] });
    }
    const [began] = await audited('restore.begin');
    expect((await audited('tag.set')).map(({ id }) => id < began.id)).toEqual(Array(4).fill(true));
    await end();
    expect((await restore('audit', [entry(4)])).status).toBe(404);
    expect(await audited('tag.set')).toHaveLength(4);
  });

  test('forgets with an old entry no history that is newer', async () => {
    await call(ADMIN, 'POST', '/backup', { body: {} });
    await begin(newHeader(), 5000);
    const [own] = await query("SELECT state ->> 'own' FROM progress WHERE job = 'restore'");
    const [old, young] = [Number(own), Number(own) + 1]; // one is that of an entry from before, the other not
    const now = Math.floor(Date.now() / 1000);
    const entries = [entry(old), { ...entry(young), at: now }];
    await restore('audit', entries);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const history = [0, old, young].map((id) => ({
      ...{ repository_id: 1, name: 'v1', id, digest: DIGEST, at: id, principal: 'm' },
    }));
    for (const refused of [[], []]) {
      expect((await restore('tag_history', history)).json).toEqual({ refused });
    }
    await end();
    await newStores().metadata.audit.forgetOld(5000);
    expect(await audited('tag.set')).toHaveLength(1);
    expect(await query('SELECT at FROM tag_history ORDER BY at')).toEqual([old, young]);
  });

  test('has no entry without an id', async () => {
    await begin(newHeader(), 10);
    const { id: _, ...unnumbered } = entry(1);
    expect((await restore('audit', [unnumbered])).status).toBe(400);
  });

  test('has ids that can be counted on from', async () => {
    expect((await begin(newHeader(), 2 ** 53 - 1)).status).toBe(400);
    await begin(newHeader(), 10);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const change = { repository_id: 1, name: 'v1', digest: DIGEST, at: 1, principal: 'x' };
    expect((await restore('tag_history', [{ ...change, id: 11 }])).status).toBe(400);
    expect((await restore('tag_history', [{ ...change, id: 10 }])).json).toEqual({ refused: [] });
  });
});

test('rows that arrive while a restore is ended are all there, or none', async () => {
  await begin();
  await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
  const pulls = Array.from({ length: 100 }, (_, at) => ({
    ...{ repository_id: 1, reference: `v${at}`, count: 1, last_pulled_at: 1 },
  }));
  const [rows] = await Promise.all([restore('pulls', pulls), end()]);
  expect([200, 404]).toContain(rows.status);
  expect(await query('SELECT count(*) FROM pulls')).toEqual([rows.status === 200 ? 100 : 0]);
  expect((await restore('users', [])).status).toBe(404);
  expect(await query("SELECT state ->> 'phase' FROM progress WHERE job = 'restore'")).toEqual([
    'done',
  ]);
});

test('whatever the API has stored is taken', async () => {
  const header = newHeader();
  await makeExamples();
  const rows = await readAll();
  for (const table of [
    'users',
    'robots',
    'trust_rules',
    'tag_rules',
    'upstreams',
    'retention_policies',
  ]) {
    expect(rows[table], table).not.toEqual([]);
  }
  expect(rows.credentials?.length).toBeGreaterThan(2);
  await lose();
  await begin(header, 10_000);
  for (const table of RESTORED) {
    const { status, text, json } = await restore(table, rows[table]);
    expect(status, `${table} ${text}`).toBe(200);
    expect(json.refused, table).toEqual([]);
  }
  await end();
});

test.each(['a/b\0c', 'ä/€', '\u{1f600}/x', '\ud83d/x', 'a/b\tc', `a/${'x'.repeat(253)}`, 'a b'])(
  'an artifact type that is taken is restored: %j',
  async (artifactType) => {
    const header = newHeader();
    const image = randomImage({ artifactType });
    await Promise.all(image.blobs.map((blob) => pushBlob('acme/odd', blob)));
    const { status } = await pushManifest('acme/odd', image);
    expect([201, 400]).toContain(status);
    const rows = await readAll();
    expect(rows.manifests).toHaveLength(status === 201 ? 1 : 0);
    await lose();
    await begin(header, Math.max(0, ...(rows.audit ?? []).map(({ id }) => Number(id))));
    for (const table of RESTORED) {
      const { status, text, json } = await restore(table, rows[table]);
      expect(status, `${table} ${text}`).toBe(200);
      expect(json.refused, table).toEqual([]);
    }
    expect(await query('SELECT artifact_type FROM manifests')).toEqual(
      status === 201 ? [artifactType] : [],
    );
  },
);

describe('the end', () => {
  test('leaves neither blobs that nothing holds nor the spare repository', async () => {
    const { json } = await begin(newHeader(), 0);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const [held, unheld, deletedOnly] = [randomBlob(10), randomBlob(10), randomBlob(10)];
    for (const [at, { digest, bytes }] of [held, unheld].entries()) {
      await env.BUCKET.put(`blobs/restored-${at}`, bytes);
      const blob = { digest, r2_key: `blobs/restored-${at}`, size: 10, created_at: 1 };
      expect((await restore('blobs', [blob])).json).toEqual({ refused: [] });
    }
    const link = { repository_id: 1, digest: held.digest, lease_until: 1 };
    await restore('repository_blobs', [link]);
    await pushBlob(json.spareRepository, deletedOnly);
    const { digest } = randomImage();
    const deleted = {
      ...{ repository_id: 1, digest, media_type: 'x/y', size: 2, pushed_at: 1, deleted_at: 1 },
      ...{ expires_at: 4_000_000_000, r2_key: 'manifests/kept', body: null },
      ...{ blobs: [deletedOnly.digest], children: [] },
    };
    await env.BUCKET.put('manifests/kept', '{}');
    expect((await restore('deleted_manifests', [deleted])).json).toEqual({ refused: [] });
    await end();
    expect(await query('SELECT digest FROM blobs ORDER BY digest')).toEqual(
      [held.digest, deletedOnly.digest].sort(),
    );
    expect(await query('SELECT r2_key FROM trash')).toEqual(['blobs/restored-1']);
    expect(await query('SELECT name FROM repositories')).toEqual(['acme/app']);
    expect(await query('SELECT name FROM namespaces')).toEqual(['acme']);
    expect(await query('SELECT count(*) FROM collection_queue WHERE repository_id <> 1')).toEqual([
      0,
    ]);
  });

  test('looks at every blob, whatever place it is told and whatever comes meanwhile', async () => {
    await begin(newHeader(), 0);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const digests = ['1', '2', '3'].map((digit) => `sha256:${digit.repeat(64)}`);
    const bring = async (digest: string | undefined) => {
      await env.BUCKET.put(`blobs/${digest?.at(-1)}`, 'content');
      await restore('blobs', [
        { digest, r2_key: `blobs/${digest?.at(-1)}`, size: 7, created_at: 1 },
      ]);
    };
    await bring(digests[1]);
    await bring(digests[2]);
    const forged = await call(ADMIN, 'POST', '/restore/end', { body: { after: digests[2] } });
    expect(forged.status).toBe(400);
    expect(await newStores().metadata.restoreEnd.trashUnheld(1)).toBe(false);
    await bring(digests[0]);
    await end();
    expect(await query('SELECT digest FROM blobs')).toEqual([]);
    expect(await query('SELECT count(*) FROM trash')).toEqual([3]);
  });

  test('says that it is done when it is, and not when it was given up meanwhile', async () => {
    await begin(newHeader(), 10);
    const step = (path: string) => call(ADMIN, 'POST', `/restore/${path}`, { body: {} });
    const [ended, givenUp] = await Promise.all([step('end'), step('give-up')]);
    const isDone = ended.status === 200 && ended.json.isDone;
    expect(isDone).toBe((await audited('restore.end')).length === 1);
    expect([200, 404]).toContain(ended.status);
    expect(givenUp.status).toBe(isDone ? 404 : 200);
  });

  test('keeps a repository of that name which the backup has', async () => {
    await begin(newHeader(), 0);
    const name = 'edgewater-restore/deleted';
    const row = { id: 1, name, namespace: 'edgewater-restore', created_at: 1 };
    await restore('repositories', [row]);
    await restore('namespaces', [{ name: row.namespace, created_at: 1 }]);
    await end();
    expect(await query('SELECT name FROM repositories')).toEqual([name]);
    expect(await query('SELECT name FROM namespaces')).toEqual([row.namespace]);
  });
});

describe('begun again', () => {
  test('the same backup goes on while it is under way, and is done when it has ended', async () => {
    const header = newHeader();
    expect((await begin(header)).json.isDone).toBe(false);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    expect((await begin(header)).json.isDone).toBe(false);
    await end();
    await end(); // the answer was lost, and the request is repeated
    const { status, json } = await begin(header);
    expect({ status, isDone: json.isDone }).toEqual({ status: 200, isDone: true });
    expect(await audited('restore.end')).toHaveLength(1);
  });

  test('another backup is refused with what is under way, until that is given up', async () => {
    const header = newHeader({ takenAt: '2026-10-01T00:00:00.000Z' });
    await begin(header, 2);
    await restore('audit', [entry(1), entry(2)]);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    await env.BUCKET.put('blobs/some', 'content');
    const blob = { digest: DIGEST, r2_key: 'blobs/some', size: 7, created_at: 1 };
    await restore('blobs', [blob]);
    await restore('repository_blobs', [{ repository_id: 1, digest: DIGEST, lease_until: 1 }]);
    const manifest = {
      ...{ repository_id: 1, digest: DIGEST.replaceAll('a', 'b'), media_type: 'x/y', size: 2 },
      ...{ pushed_at: 1, r2_key: null, body: '{}', blobs: [DIGEST], children: [] },
    };
    manifest.digest = `sha256:${'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'}`;
    expect((await restore('manifests', [manifest])).json).toEqual({ refused: [] });
    await restore('tags', [
      { repository_id: 1, name: 'v1', digest: manifest.digest, updated_at: 1 },
    ]);

    const other = newHeader();
    const refused = await begin(other, 1);
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toMatch(/backup of 2026-10-01.*--give-up/);

    while (!(await call(ADMIN, 'POST', '/restore/give-up', { body: {} })).json.isDone) {}
    for (const table of ['repositories', 'blobs', 'manifests', 'deleted_manifests', 'namespaces']) {
      expect(await query(`SELECT count(*) FROM ${table}`), table).toEqual([0]);
    }
    expect(await audited('tag.set')).toEqual([]);
    expect((await audited('restore.begin')).length).toBe(1);
    expect(await query('SELECT r2_key FROM trash')).toEqual([]); // the next one needs it
    expect((await begin(other, 1)).json.isDone).toBe(false);
    expect((await restore('blobs', [blob])).json).toEqual({ refused: [] });
  });

  test('what has ended, or was never begun, cannot be given up', async () => {
    const giveUp = () => call(ADMIN, 'POST', '/restore/give-up', { body: {} });
    expect((await giveUp()).status).toBe(404);
    await begin();
    await end();
    expect((await giveUp()).status).toBe(404);
  });
});
