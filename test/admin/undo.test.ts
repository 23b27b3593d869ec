/** Who may look at what was deleted, restore it, and delete it for good. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../../src/auth/identity.ts';
import { call as protocol, push } from '../support/client.ts';
import { randomImage } from '../support/images.ts';
import { ADMIN, call, newNamespace, newUser, user } from './api.ts';

const REPOSITORY = 'undone/deep/app';
const image = randomImage();
const path = (rest: string, repository = REPOSITORY) =>
  `/repositories/${encodeURIComponent(repository)}/${rest}`;

const PULL = [{ repositories: 'undone/**', actions: ['pull'] as const }];

beforeAll(async () => {
  for (const name of ['reader', 'developer', 'maintainer', 'stranger', 'shut-out']) {
    await newUser(name);
  }
  await newNamespace('undone', {
    reader: 'reader',
    developer: 'developer',
    maintainer: 'maintainer',
    'shut-out': 'maintainer',
  });
  await call(ADMIN, 'PUT', '/namespaces/undone/members/shut-out', {
    body: { role: 'none', repositories: 'deep/**' },
  });
  await push(REPOSITORY, image, 'v1');
  await protocol('DELETE', `/v2/${REPOSITORY}/manifests/${image.digest}`);
});

/** Each row, with what it takes; the digest is that of nothing, so that nothing changes. */
const nothing = `sha256:${'0'.repeat(64)}`;
const ROWS = [
  ['GET', 'tags/v1/history', 'pull', 200],
  ['GET', 'tags/v1?at=2026-01-01T00:00Z', 'pull', 404],
  ['GET', 'deleted-tags', 'pull', 200],
  ['GET', 'deleted-manifests', 'pull', 200],
  ['POST', 'tags/unknown/restore', 'push', 404],
  ['POST', `deleted-manifests/${nothing}/restore`, 'push', 404],
  ['DELETE', `deleted-manifests/${nothing}`, 'delete', 404],
] as const;

const MAY: Record<string, readonly string[]> = {
  reader: ['pull'],
  developer: ['pull', 'push'],
  maintainer: ['pull', 'push', 'delete'],
};

const send = (caller: Identity | null, method: string, rest: string, repository = REPOSITORY) =>
  call(caller, method, path(rest, repository), method === 'POST' ? { body: {} } : {});

describe.each(ROWS)('%s %s', (method, rest, need, status) => {
  test.each(Object.entries(MAY))('%s', async (name, may) => {
    const answer = await send(user(name), method, rest);
    expect(answer.status, answer.text).toBe(may.includes(need) ? status : 403);
  });

  test.each(['stranger', 'shut-out'])('%s: as if it were not there', async (name) => {
    const answer = await send(user(name), method, rest);
    const unknown = await send(user(name), method, rest, 'undone/not-there');
    const nonsense = await send(user(name), method, rest, '!1/undone/deep/app');
    expect([answer.status, answer.text]).toEqual([404, unknown.text]);
    expect(nonsense.text).toBe(unknown.text);
    expect(answer.json.detail).toBe('there is no such repository, or you may not see it');
  });

  test('an administrator sees all, so what they do not see is not there', async () => {
    const { json } = await send(ADMIN, method, rest, 'undone/not-there');
    expect(json.detail).toBe('there is no such repository');
  });

  test('nobody, and a credential for pulls', async () => {
    expect((await send(null, method, rest)).status).toBe(401);
    const limited = user('maintainer', { limits: [PULL] });
    expect((await send(limited, method, rest)).status).toBe(need === 'pull' ? status : 403);
    const robot = user('undone+ci', { kind: 'robot' });
    expect((await send(robot, method, rest)).status).toBe(404);
  });
});

describe('who did it is told to those who may push there', () => {
  const limited = user('maintainer', { limits: [PULL] });
  const everybody = user('stranger');

  beforeAll(async () => {
    await push('undone/open/app', image, 'v1');
    await push('undone/open/app', image, 'v2');
    await protocol('DELETE', '/v2/undone/open/app/manifests/v2');
    const body = { role: 'reader', repositories: 'open/**' };
    expect((await call(ADMIN, 'PUT', '/namespaces/undone/members/*', { body })).status).toBe(200);
  });

  test.each(['tags/v1/history', 'tags/v1', 'deleted-tags'])('%s', async (rest) => {
    const principals = async (caller: Identity) => {
      const { status, text } = await send(caller, 'GET', rest, 'undone/open/app');
      expect(status, text).toBe(200);
      return [...new Set(text.match(/"principal":[^,]*/g))];
    };
    for (const caller of [user('developer'), user('maintainer'), ADMIN]) {
      expect(await principals(caller)).toEqual(['"principal":"anonymous"']);
    }
    for (const caller of [user('reader'), limited, everybody]) {
      expect(await principals(caller)).toEqual(['"principal":null']);
    }
  });
});

describe('repositories', () => {
  const remove = (caller: Identity, repository = REPOSITORY) =>
    call(caller, 'DELETE', `/namespaces/undone/repositories/${encodeURIComponent(repository)}`);
  const list = (caller: Identity) => call(caller, 'GET', '/namespaces/undone/deleted-repositories');

  test('are deleted and restored by maintainers, where they may delete', async () => {
    const statuses = [];
    for (const name of ['stranger', 'reader', 'developer', 'shut-out', 'maintainer']) {
      statuses.push((await remove(user(name))).status);
    }
    expect(statuses).toEqual([404, 403, 403, 404, 204]);
    expect((await list(user('shut-out'))).json).toEqual({ repositories: [] });
    const { json } = await list(user('maintainer'));
    expect(json.repositories).toMatchObject([{ name: REPOSITORY }]);
    const [{ id }] = json.repositories;
    const base = `/namespaces/undone/deleted-repositories/${id}`;
    for (const [method, rest] of [
      ['POST', '/restore'],
      ['DELETE', ''],
    ] as const) {
      expect((await call(user('shut-out'), method, `${base}${rest}`)).status).toBe(404);
      expect((await call(user('developer'), method, `${base}${rest}`)).status).toBe(403);
    }
    expect((await call(user('maintainer'), 'POST', `${base}/restore`)).status).toBe(200);
    expect((await remove(user('maintainer'), 'other/app')).status).toBe(404);
  });

  test.each(['x', '-1', '1e9', '9'.repeat(30), 'NaN'])(
    'the id %s is that of nothing',
    async (id) => {
      const answer = await call(ADMIN, 'DELETE', `/namespaces/undone/deleted-repositories/${id}`);
      expect(answer.status).toBe(404);
    },
  );
});
