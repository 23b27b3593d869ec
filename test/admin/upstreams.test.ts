/** Registries that are mirrored: what is refused, and that a password is never shown again. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { UpstreamGates } from '../../src/upstream/gates.ts';
import { push } from '../support/client.ts';
import { randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { ADMIN, audited, call } from './api.ts';

const PASSWORD = 'correct horse of the upstream';
const HUB = {
  url: 'https://registry-1.docker.io',
  username: 'acme',
  password: PASSWORD,
  tokenHost: 'auth.docker.io',
};
const QUAY = { url: 'https://quay.io' };
const LAB = {
  context: {
    upstreamRules: {
      adminPassword: 'a password for tests',
      allowsAnonymousHub: true,
      allowsPrivate: true,
    },
  },
};

const gates = new UpstreamGates(env.GATES);
let number = 0;
let name = '';

beforeEach(() => {
  name = `mirror-${++number}.example`;
});

const set = (body: object, options: object = {}) =>
  call(ADMIN, 'PUT', `/upstreams/${name}`, { body, ...options });

describe('what cannot be mirrored', () => {
  test.each([
    'http://quay.io',
    'https://127.0.0.1',
    'https://2130706433',
    'https://[::1]',
    'https://[::ffff:169.254.169.254]',
    'https://169.254.169.254',
    'https://10.0.0.1:5000',
    'https://192.168.1.1',
    'https://localhost',
    'https://registry',
    'https://registry.internal',
    'https://user:secret@quay.io',
    'https://quay.io/v2/',
    'https://quay.io?x=1',
    'ftp://quay.io',
    'quay.io',
    '',
  ])('the URL "%s": 400', async (url) => {
    const { status, json } = await set({ ...QUAY, url });
    expect(status).toBe(400);
    expect(JSON.stringify(json)).not.toContain('secret');
  });

  test.each([
    'https://auth.docker.io',
    'auth.docker.io/token',
    '10.0.0.1',
    'localhost',
    'A.io',
    '',
  ])('the token host "%s": 400', async (tokenHost) => {
    expect((await set({ ...HUB, tokenHost })).status).toBe(400);
  });

  test.each([
    { repositories: [] },
    { repositories: [''] },
    { repositories: ['library/***'] },
    { repositories: ['Library/*'] },
    { repositories: ['a*'.repeat(20)] },
    { username: 'a:b', password: PASSWORD },
    { username: 'acme', password: 'two\nlines' },
    { platforms: [] },
    { platforms: ['linux'] },
    { platforms: ['Linux/amd64'] },
    { tagMaxAge: -1 },
    { tagMaxAge: 0.5 },
    { missingMaxAge: 10 ** 9 },
    { keepBytes: -1 },
    { onFailure: 'what' },
    { unknown: 1 },
  ])('%j: 400', async (change) => {
    expect((await set({ ...QUAY, ...change })).status).toBe(400);
  });

  test.each([
    ['library', 'has a dot'],
    ['.docker.io', 'cannot be the name'],
    ['Docker.io', 'cannot be the name'],
    [`${'a'.repeat(128)}.io`, 'cannot be the name'],
  ])('a namespace %s: 400, and why', async (namespace, why) => {
    const { status, json } = await call(ADMIN, 'PUT', `/upstreams/${namespace}`, { body: QUAY });
    expect(status).toBe(400);
    expect(json.detail).toContain(why);
  });

  test('Docker Hub without a login is refused, but on a machine of its own', async () => {
    const { url } = HUB;
    const refused = await set({ url });
    expect(refused.status).toBe(400);
    expect(refused.json.detail).toContain('give the name of a Docker account');
    expect((await set({ url: 'https://index.docker.io:443' })).status).toBe(400);
    expect((await set({ url }, LAB)).status).toBe(200);
  });

  test.each([{ username: 'acme' }, { password: PASSWORD }])(
    'half a login, %j: 400',
    async (half) => {
      expect((await set({ ...QUAY, ...half })).json.detail).toContain('give both, or none');
    },
  );

  test('a password without a key to encrypt it: 400', async () => {
    const upstreamRules = { ...LAB.context.upstreamRules, adminPassword: '' };
    const { json } = await set(HUB, { context: { upstreamRules } });
    expect(json.detail).toContain('ADMIN_PASSWORD');
  });

  test('a namespace with repositories of its own: 409, and it stays as it is', async () => {
    await push(`${name}/app`, randomImage(), 'v1');
    expect((await set(QUAY)).status).toBe(409);
    expect((await call(ADMIN, 'GET', `/upstreams/${name}`)).status).toBe(404);
  });

  test('one more than 200: 400, while those that are there can be changed', async () => {
    const { count } = (await env.DB.prepare('SELECT count(*) AS count FROM upstreams').first()) as {
      count: number;
    };
    const names = JSON.stringify(
      Array.from({ length: 199 - count }, (_, index) => `other-${index}.example`),
    );
    await env.DB.batch(
      [
        'INSERT INTO namespaces (name) SELECT value FROM json_each(?1)',
        "INSERT INTO upstreams (namespace, url) SELECT value, 'https://x' FROM json_each(?1)",
      ].map((sql) => env.DB.prepare(sql).bind(names)),
    );
    expect((await set(QUAY)).status).toBe(200);
    const refused = await call(ADMIN, 'PUT', '/upstreams/last.example', { body: QUAY });
    expect(refused.status).toBe(400);
    expect(refused.json.detail).toContain('there are 200 mirrors');
    expect((await set({ ...QUAY, tagMaxAge: 1 })).status).toBe(200);
    await env.DB.prepare("DELETE FROM upstreams WHERE namespace LIKE 'other-%'").run();
  });

  test('private addresses and http are for labs', async () => {
    expect((await set({ url: 'http://127.0.0.1:5000' }, LAB)).json.url).toBe(
      'http://127.0.0.1:5000',
    );
  });
});

test('what nobody pulls goes from a new mirror, unless its policy is changed', async () => {
  const policy = `/namespaces/${name}/retention`;
  await set({ url: 'https://quay.io' });
  const { json } = await call(ADMIN, 'GET', policy);
  expect(json).toMatchObject({
    isEnabled: true,
    rules: [
      { action: 'delete', notPulledForDays: 30, pushedBeforeDays: 30 },
      { action: 'untagged', olderThanDays: 30 },
    ],
  });
  const { isEnabled, everyHours, rules } = json;
  expect(
    (await call(ADMIN, 'PUT', policy, { body: { isEnabled, everyHours, rules } })).status,
  ).toBe(200);
  await call(ADMIN, 'DELETE', policy);
  await set({ url: 'https://quay.io', tagMaxAge: 1 });
  expect((await call(ADMIN, 'GET', policy)).status).toBe(404);
});

test('the password is in no answer and in no entry of the audit log, and sealed in the database', async () => {
  const first = await set(HUB);
  const changed = await set({ ...HUB, password: undefined, tagMaxAge: 60 });
  const shown = await call(ADMIN, 'GET', `/upstreams/${name}`);
  const list = await call(ADMIN, 'GET', '/upstreams');
  await call(ADMIN, 'DELETE', `/upstreams/${name}`);
  const log = [...(await audited('upstream.set')), ...(await audited('upstream.remove'))];
  expect(log.filter(({ target }) => target === name)).toHaveLength(3);
  const { password: _, ...settings } = HUB;
  expect(first.json).toMatchObject({ namespace: name, ...settings });
  expect(changed.json.tagMaxAge).toBe(60);
  const all = [first, changed, shown, list].map(({ text }) => text).join() + JSON.stringify(log);
  expect(all).not.toContain(PASSWORD);
  expect(all).not.toMatch(/"(?:secret|password)"/);
});

describe('a password that is left out', () => {
  const secret = async () =>
    (await query('SELECT secret FROM upstreams WHERE namespace = ?1', name))[0];

  test('stays, encrypted', async () => {
    await set(HUB);
    const before = await secret();
    expect(before).not.toContain(PASSWORD);
    expect((await set({ ...HUB, password: undefined, missingMaxAge: 1 })).status).toBe(200);
    expect(await secret()).toBe(before);
  });

  test.each([{ url: 'https://evil.example' }, { tokenHost: 'evil.example' }, { username: 'eve' }])(
    'goes nowhere else: %j is refused without it',
    async (change) => {
      await set(HUB);
      const { status, json } = await set({ ...HUB, password: undefined, ...change });
      expect(status).toBe(400);
      expect(json.detail).toContain('give it again');
      expect((await set({ ...HUB, ...change })).status).toBe(200);
    },
  );

  test('goes with the user name', async () => {
    await set(HUB);
    expect((await set({ ...QUAY, url: HUB.url }, LAB)).status).toBe(200);
    expect(await secret()).toBeNull();
  });
});

describe('status', () => {
  const status = async () => (await call(ADMIN, 'GET', `/upstreams/${name}/status`)).json;
  const NOTHING = { pausedUntil: null, limit: null, remaining: null, failedAt: null };

  test('says what the upstream allows and when it failed; other settings begin anew', async () => {
    const upstream = { namespace: name, url: QUAY.url };
    await set(QUAY);
    expect(await status()).toEqual(NOTHING);
    const gate = gates.of(upstream);
    await gate.report(200, { limit: 100, remaining: 7, retryAfter: null });
    expect(await status()).toEqual({ ...NOTHING, limit: 100, remaining: 7 });
    await gate.report(503, { limit: null, remaining: null, retryAfter: null });
    expect((await status()).failedAt).toMatch(/Z$/);
    await gate.report(429, { limit: null, remaining: null, retryAfter: 600 });
    const { pausedUntil, remaining } = await status();
    expect(Date.parse(pausedUntil)).toBeGreaterThan(Date.now());
    expect(remaining).toBe(0);
    await set(QUAY);
    expect(await status()).toEqual(NOTHING);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a mirror that ends', () => call(ADMIN, 'DELETE', `/upstreams/${name}`)],
    ['a URL that is another now', () => set({ url: 'https://ghcr.io' })],
    ['settings that are others now', () => set({ ...QUAY, tagMaxAge: 1 })],
  ])('of %s is stored no more', async (_, change) => {
    await set(QUAY);
    const gate = gates.of({ namespace: name, url: QUAY.url });
    const stored = () =>
      runInDurableObject(gate, (_gate, { storage }) => [...storage.kv.list()].length);
    await gate.report(200, { limit: 100, remaining: 7, retryAfter: null });
    expect(await stored()).toBe(1);
    await change();
    expect(await stored()).toBe(0);
  });

  test('of what is no mirror: 404', async () => {
    expect((await call(ADMIN, 'GET', `/upstreams/${name}/status`)).status).toBe(404);
  });
});

describe('the namespace', () => {
  test('is made for it, private unless it is said', async () => {
    await set(QUAY);
    const { json } = await call(ADMIN, 'GET', `/namespaces/${name}`);
    expect(json).toMatchObject({ isPublic: false });
  });

  test('lets its mirror make repositories, whatever pushes did there before', async () => {
    const body = { name, createsOnPush: false };
    expect((await call(ADMIN, 'POST', '/namespaces', { body })).status).toBe(201);
    await set(QUAY);
    const createsOnPush = async () =>
      (await call(ADMIN, 'GET', `/namespaces/${name}`)).json.createsOnPush;
    expect(await createsOnPush()).toBe(true);
    await call(ADMIN, 'PATCH', `/namespaces/${name}`, { body: { createsOnPush: false } });
    await set({ ...QUAY, tagMaxAge: 1 });
    expect(await createsOnPush()).toBe(false);
  });

  test('cannot be deleted while it is a mirror', async () => {
    await set(QUAY);
    const { status, json } = await call(ADMIN, 'DELETE', `/namespaces/${name}`);
    expect(status).toBe(409);
    expect(json.detail).toContain('remove its upstream first');
    await call(ADMIN, 'DELETE', `/upstreams/${name}`);
    expect((await call(ADMIN, 'DELETE', `/namespaces/${name}`)).status).toBe(204);
  });

  test('stays when the mirror ends, and pushes make nothing in it', async () => {
    await set(QUAY);
    await call(ADMIN, 'DELETE', `/upstreams/${name}`);
    const { json } = await call(ADMIN, 'GET', `/namespaces/${name}`);
    expect(json).toMatchObject({ createsOnPush: false });
    expect((await call(ADMIN, 'DELETE', `/upstreams/${name}`)).status).toBe(404);
  });
});
