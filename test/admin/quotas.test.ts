/** Quotas and usage by the API: who sets them, who sees them, and what they say. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { pushBlob } from '../support/client.ts';
import { randomBlob } from '../support/images.ts';
import { ADMIN, audited, call, newNamespace } from './api.ts';
import { boss, developer, prepare } from './given.ts';

beforeAll(prepare);

const setQuota = (namespace: string, body: object, caller = ADMIN) =>
  call(caller, 'PATCH', `/namespaces/${namespace}/quota`, { body });

const show = async (namespace: string, caller = ADMIN) =>
  (await call(caller, 'GET', `/namespaces/${namespace}`)).json.usage;

describe('a quota', () => {
  test('is none at first; PATCH changes what it names, and null takes it away', async () => {
    await newNamespace('sized');
    const none = { used: 0, quota: null, percent: null };
    const first = { level: 'ok', warningPercent: 80, bytes: none, repositories: none };
    expect(await show('sized')).toEqual(first);
    const { json } = await setQuota('sized', { bytes: 1000, warningPercent: 50 });
    const bytes = { used: 0, quota: 1000, percent: 0 };
    expect(json).toEqual({ ...first, warningPercent: 50, bytes });
    const repositories = { used: 0, quota: 2, percent: 0 };
    await setQuota('sized', { repositories: 2 });
    expect(await show('sized')).toEqual({ ...json, repositories });
    await setQuota('sized', { bytes: null });
    expect(await show('sized')).toEqual({ ...first, warningPercent: 50, repositories });
    expect((await audited('namespace.quota')).at(-1)).toMatchObject({
      namespace: 'sized',
      principal: 'admin',
      before: '{"bytes":1000,"repositories":2,"warningPercent":50}',
      after: '{"bytes":null}',
    });
  });

  test('is set by administrators of the system, and seen by all who have a role', async () => {
    expect((await setQuota('own', { bytes: 1000 })).status).toBe(200);
    for (const caller of [boss, developer]) {
      expect((await setQuota('own', { bytes: null }, caller)).status).toBe(403);
      expect((await show('own', caller)).bytes.quota).toBe(1000);
    }
    const patch = await call(boss, 'PATCH', '/namespaces/own', { body: { quota: null } });
    expect(patch.status).toBe(400);
    await setQuota('own', { bytes: null });
  });

  test.each([
    {},
    { bytes: -1 },
    { bytes: 1.5 },
    { bytes: '50GB' },
    { bytes: 2 ** 53 },
    { repositories: -1 },
    { warningPercent: 0 },
    { warningPercent: 101 },
    { warningPercent: null },
    { used: 0 },
  ])('%j is refused', async (body) => {
    expect((await setQuota('own', body)).status).toBe(400);
  });

  test('of a namespace that is not there: 404', async () => {
    expect((await setQuota('nowhere', { bytes: 1 })).status).toBe(404);
    expect((await call(ADMIN, 'GET', '/namespaces/nowhere/recount')).status).toBe(404);
  });

  test('of repositories refuses one more by the API', async () => {
    await newNamespace('single');
    await setQuota('single', { repositories: 0 });
    const path = '/namespaces/single/repositories';
    const { status, json } = await call(ADMIN, 'POST', path, { body: { name: 'single/app' } });
    expect({ status, code: json.code }).toEqual({
      status: 403,
      code: 'QUOTA_OF_REPOSITORIES_EXCEEDED',
    });
    expect(json.detail).toContain('the namespace "single" has no room for this: it uses 0 of 0');
  });
});

describe('usage', () => {
  test('has the level of the quota that is nearest', async () => {
    await newNamespace('filled');
    await pushBlob('filled/app', randomBlob(799));
    const levels = [];
    for (const quota of [{ bytes: 1000 }, { bytes: 998 }, { bytes: 799 }, { bytes: 10 }]) {
      levels.push((await setQuota('filled', quota)).json.level);
    }
    const zero = await setQuota('filled', { bytes: null, repositories: 0 });
    const tenth = await setQuota('filled', { repositories: 10 });
    expect([...levels, zero.json.level, tenth.json.level]).toEqual([
      ...['ok', 'warning', 'full', 'full'],
      ...['full', 'ok'],
    ]);
  });

  test('lists repositories with their size, each content once, in pages', async () => {
    await newNamespace('pages', { boss: 'admin', developer: 'developer' });
    const [shared, other] = [randomBlob(100), randomBlob(20)];
    for (const [repository, blob] of [
      ['a', shared],
      ['b', shared],
      ['b', other],
      ['c', other],
    ] as const) {
      await pushBlob(`pages/${repository}`, blob);
    }
    await call(ADMIN, 'POST', '/namespaces/pages/repositories', { body: { name: 'pages/empty' } });
    const path = '/namespaces/pages/usage?limit=2';
    const first = (await call(boss, 'GET', path)).json;
    expect(first.repositories).toEqual([
      { name: 'pages/a', bytes: 100 },
      { name: 'pages/b', bytes: 120 },
    ]);
    const second = (await call(boss, 'GET', `${path}&after=${first.next}`)).json;
    expect(second).toEqual({
      repositories: [
        { name: 'pages/c', bytes: 20 },
        { name: 'pages/empty', bytes: 0 },
      ],
    });
    expect((await show('pages')).bytes.used).toBe(120);
    expect((await call(developer, 'GET', path)).status).toBe(403);
    expect((await call(ADMIN, 'GET', '/namespaces/pages/usage?limit=101')).status).toBe(400);
  });

  test('a recount shows numbers that are wrong', async () => {
    await newNamespace('counted');
    await pushBlob('counted/app', randomBlob(100));
    const recount = async () => (await call(ADMIN, 'GET', '/namespaces/counted/recount')).json;
    const counted = { bytes: 100, repositories: 1 };
    expect(await recount()).toEqual({ kept: counted, counted });
    await env.DB.exec("UPDATE namespaces SET used_bytes = 101 WHERE name = 'counted'");
    expect(await recount()).toEqual({ kept: { ...counted, bytes: 101 }, counted });
  });
});
