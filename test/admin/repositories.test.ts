/** Repositories: who sees them, and who makes them. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../../src/auth/identity.ts';
import { ADMIN, audited, call, newNamespace, user } from './api.ts';
import { boss, developer, prepare } from './given.ts';

beforeAll(prepare);

describe('repositories', () => {
  beforeAll(async () => {
    for (const name of ['own/a', 'own/b', 'own/secret/c']) {
      await call(ADMIN, 'POST', '/namespaces/own/repositories', { body: { name } });
    }
  });

  const list = (caller: Identity, namespace = 'own', query = '') =>
    call(caller, 'GET', `/namespaces/${namespace}/repositories${query}`);

  test('a list has those that the caller may pull', async () => {
    await call(boss, 'PUT', '/namespaces/own/members/developer', {
      body: { role: 'none', repositories: 'secret/**' },
    });
    await call(boss, 'PUT', '/namespaces/own/members/stranger', {
      body: { role: 'reader', repositories: 'a' },
    });
    const names = async (caller: Identity) =>
      (await list(caller)).json.repositories.map((entry: { name: string }) => entry.name);
    expect(await names(boss)).toEqual(['own/a', 'own/b', 'own/secret/c']);
    expect(await names(developer)).toEqual(['own/a', 'own/b']);
    expect(await names(user('stranger'))).toEqual(['own/a']);
  });

  test('is paged', async () => {
    const first = await list(boss, 'own', '?limit=2');
    expect(first.json.next).toBe('own/b');
    const rest = await list(boss, 'own', `?limit=2&after=${first.json.next}`);
    expect(rest.json).toEqual({ repositories: [{ name: 'own/secret/c' }] });
  });

  test('a namespace where there is nothing for the caller is not there', async () => {
    await call(ADMIN, 'POST', '/namespaces/other/repositories', { body: { name: 'other/x' } });
    const foreign = await list(boss, 'other');
    const unknown = await list(boss, 'not-there');
    expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
    await newNamespace('bare', { boss: 'reader' });
    expect((await list(boss, 'bare')).json).toEqual({ repositories: [] });
  });

  test.each(['other/x', 'own', 'ownx/y', 'own/', 'own/A', 'own/../other/y', '/own/a'])(
    'the name %s is refused',
    async (name) => {
      const answer = await call(boss, 'POST', '/namespaces/own/repositories', { body: { name } });
      expect(answer.status).toBe(name === 'own' ? 201 : 400);
    },
  );

  test('none is made where the caller has a lesser role', async () => {
    await newNamespace('uneven', { developer: 'maintainer' });
    for (const [repositories, role] of [
      ['shut/**', 'none'],
      ['read/**', 'reader'],
      ['push/**', 'developer'],
      ['push/mine', 'maintainer'],
    ]) {
      const body = { repositories, role };
      const set = await call(ADMIN, 'PUT', '/namespaces/uneven/members/developer', { body });
      expect(set.status).toBe(200);
    }
    const make = (name: string) =>
      call(developer, 'POST', '/namespaces/uneven/repositories', { body: { name } });
    for (const place of ['shut', 'read', 'push']) {
      const answer = await make(`uneven/${place}/x`);
      expect([answer.status, answer.json.detail]).toEqual([
        403,
        expect.stringContaining('uneven/'),
      ]);
    }
    for (const name of ['uneven/push/mine', 'uneven/x']) {
      expect((await make(name)).status).toBe(201);
    }
  });

  test('one is made once, by those who may', async () => {
    const make = (caller: Identity) =>
      call(caller, 'POST', '/namespaces/own/repositories', { body: { name: 'own/made' } });
    const statuses = [await make(developer), await make(boss), await make(boss)];
    expect(statuses.map(({ status }) => status)).toEqual([403, 201, 409]);
    expect((await audited('repository.create')).at(-1)).toMatchObject({
      principal: 'boss',
      namespace: 'own',
      repository: 'own/made',
    });
  });
});
