/** Members of a namespace: who has a role, and who can give one. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../../src/auth/identity.ts';
import { ADMIN, audited, call, user } from './api.ts';
import { boss, developer, prepare } from './given.ts';

beforeAll(prepare);

async function newRobot(namespace: string, name: string, body: object = {}) {
  const path = `/namespaces/${namespace}/robots`;
  return (await call(ADMIN, 'POST', path, { body: { name, ...body } })).json;
}

describe('members', () => {
  const put = (caller: Identity, principal: string, body: object) =>
    call(caller, 'PUT', `/namespaces/own/members/${principal}`, { body });

  test('a role is set, changed, listed and taken away', async () => {
    await put(boss, 'rival', { role: 'reader' });
    await put(boss, 'rival', { role: 'maintainer' });
    await put(boss, 'rival', { role: 'none', repositories: 'secret/**' });
    const list = await call(boss, 'GET', '/namespaces/own/members?after=r');
    expect(list.json.members).toEqual([
      { principal: 'rival', repositories: '**', role: 'maintainer' },
      { principal: 'rival', repositories: 'secret/**', role: 'none' },
    ]);
    expect((await audited('member.set')).slice(-2)).toMatchObject([
      { target: 'rival', before: 'reader', after: 'maintainer' },
      { target: 'rival on secret/**', before: null, after: 'none' },
    ]);
    const remove = () =>
      call(boss, 'DELETE', '/namespaces/own/members/rival?repositories=secret/**');
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
    await call(boss, 'DELETE', '/namespaces/own/members/rival');
    expect((await call(user('rival'), 'GET', '/namespaces/own')).status).toBe(404);
  });

  test('pages go on where the last one ended', async () => {
    const first = await call(boss, 'GET', '/namespaces/own/members?limit=1');
    const after = encodeURIComponent(first.json.next);
    const second = await call(boss, 'GET', `/namespaces/own/members?limit=1&after=${after}`);
    const names = [first, second].map(({ json }) => json.members[0].principal);
    expect(names).toEqual(['boss', 'developer']);
    expect(second.json.next).toBeUndefined();
  });

  test('everybody can be reader or none', async () => {
    const statuses = [];
    for (const role of ['none', 'reader', 'developer', 'maintainer', 'admin']) {
      statuses.push((await put(boss, '*', { role })).status);
    }
    expect(statuses).toEqual([200, 200, 400, 400, 400]);
    await call(boss, 'DELETE', '/namespaces/own/members/*');
  });

  test.each(['missing', 'admin', 'anonymous', 'oidc:issuer:sub', 'own+missing', '**', 'Boss'])(
    '%s is not there to get a role',
    async (principal) => {
      expect((await put(boss, principal, { role: 'reader' })).status).toBe(404);
    },
  );

  test('robots of a namespace without a role are as unknown as those that are not there', async () => {
    await newRobot('other', 'ci');
    const foreign = await put(boss, 'other+ci', { role: 'reader' });
    const missing = await put(boss, 'other+missing', { role: 'reader' });
    const nowhere = await put(boss, 'nowhere+ci', { role: 'reader' });
    expect(foreign.status).toBe(404);
    expect([foreign.text, missing.text]).toEqual([nowhere.text, nowhere.text]);
    expect((await put(ADMIN, 'other+ci', { role: 'reader' })).status).toBe(200);
  });

  test('a developer gives nobody a role, least of all themselves', async () => {
    expect((await put(developer, 'developer', { role: 'admin' })).status).toBe(403);
    expect((await call(developer, 'GET', '/namespaces/own')).json.role).toBe('developer');
  });

  test('an admin of one namespace is nobody in another', async () => {
    const answers = [
      await call(boss, 'PUT', '/namespaces/other/members/boss', { body: { role: 'admin' } }),
      await call(boss, 'PATCH', '/namespaces/other', { body: { isPublic: true } }),
      await call(boss, 'GET', '/namespaces/other/audit'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });
});
