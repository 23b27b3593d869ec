/** What giving a restore up takes back, and what it leaves alone. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { RESTORED } from '../../src/storage/metadata/backup-tables.ts';
import { push, pushBlob } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { ADMIN, audited, call } from './api.ts';
import { begin, lose, makeExamples, newHeader, readAll, restore } from './restoring.ts';

const giveUp = () => call(ADMIN, 'POST', '/restore/give-up', { body: {} });

async function giveUpWholly(): Promise<void> {
  for (let isDone = false; !isDone; ) {
    const { status, text, json } = await giveUp();
    expect(status, text).toBe(200);
    isDone = json.isDone;
  }
}

beforeEach(lose);

test('all that a backup can have goes, and another can begin', async () => {
  await makeExamples();
  await push('acme/pushed', randomImage(), 'v1');
  const rows = await readAll();
  // Of before the restore, as in life: those of the same second would pass for somebody's new ones.
  rows.credentials = (rows.credentials ?? []).map((row) => ({ ...row, created_at: 1 }));
  await lose();
  await begin(newHeader(), 50_000);
  for (const table of RESTORED) {
    expect((await restore(table, rows[table])).json, table).toEqual({ refused: [] });
  }
  await giveUpWholly();
  for (const table of RESTORED.filter((table) => table !== 'audit')) {
    expect(await query(`SELECT count(*) FROM ${table}`), table).toEqual([0]);
  }
  expect(await query('SELECT event FROM audit ORDER BY id')).toEqual([
    'restore.begin',
    'restore.give-up',
  ]);
  expect((await giveUp()).json).toEqual({ isDone: true });
  expect((await begin(newHeader(), 1)).json.isDone).toBe(false);
});

test('tokens of whoever restores stay, and those of users who came go', async () => {
  await call(ADMIN, 'POST', '/tokens', { body: { name: 'before' } });
  await begin(newHeader(), 1000);
  const scrypt = `scrypt$16384$8$5$AAAA$AAAA`;
  await restore('users', [{ name: 'alice', password: scrypt, is_admin: 0, created_at: 1 }]);
  const credential = (name: string, principal: string) => ({
    ...{ id: name, kind: 'personal', principal, name, secret_hash: name, limits: '[]' },
    created_at: 1,
  });
  const come = [credential('one', 'alice'), credential('two', 'admin')];
  expect((await restore('credentials', come)).json).toEqual({ refused: [] });
  await env.DB.prepare(
    `INSERT INTO credentials (id, kind, principal, name, secret_hash, limits)
     VALUES ('three', 'refresh', 'alice', 'login', 'three', '[]'),
       ('four', 'refresh', 'admin', 'since', 'four', '[]')`,
  ).run();
  await giveUpWholly();
  expect(await query('SELECT name FROM credentials ORDER BY name')).toEqual(['before', 'since']);
  expect(await query('SELECT job FROM progress')).toEqual(['restore']);
});

describe('a step', () => {
  test('asks D1 at most two hundred times', async () => {
    await begin(newHeader(), 100_000);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
       INSERT INTO audit (id, at, event, principal)
       SELECT i + (SELECT state ->> 'own' FROM progress WHERE job = 'restore'), 1, 'login.failed', 'x'
       FROM n`,
    ).run();
    const { d1Queries, d1Batches } = await countDuring(async () => {
      expect((await giveUp()).json).toEqual({ isDone: false });
    });
    expect(d1Queries + 2 * d1Batches).toBeLessThan(200);
    await giveUpWholly();
    expect(await audited('login.failed')).toEqual([]);
  });

  test('may meet another', async () => {
    await begin(newHeader(), 10);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const answers = await Promise.all([giveUp(), giveUp(), giveUp()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await giveUpWholly();
    expect(await audited('restore.give-up')).toHaveLength(1);
  });

  test('is no failure where a blob arrives, and there is another', async () => {
    await begin(newHeader(), 10);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const blobs = Array.from({ length: 5 }, () => randomBlob(10));
    await Promise.all([
      giveUpWholly(),
      ...blobs.map((blob) => pushBlob('acme/app', blob).catch(() => {})),
    ]);
    expect(await query('SELECT count(*) FROM repository_blobs')).toEqual([0]);
  });
});

test('a restore that was given up in part is no advice to go on with it', async () => {
  const header = newHeader();
  await begin(header, 100_000);
  await env.DB.prepare(
    "UPDATE progress SET state = json_set(state, '$.phase', 'given up') WHERE job = 'restore'",
  ).run();
  const { status, json } = await begin(header, 10);
  expect(status).toBe(409);
  expect(json.detail).toMatch(/was given up.*take the rest back by "edgewater restore --give-up"/);
});
