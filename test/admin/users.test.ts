/** Users, and what becomes of what was given to them. */
import { describe, expect, test } from 'vitest';
import { hashSecret } from '../../src/auth/secrets.ts';
import {
  ADMIN,
  audited,
  call,
  isGood,
  metadata,
  newNamespace,
  newUser,
  PASSWORD,
  user,
} from './api.ts';

async function newToken(name: string, body: Record<string, unknown> = {}): Promise<string> {
  const { json } = await call(user(name), 'POST', '/tokens', { body: { name: 'test', ...body } });
  return json.secret;
}

async function newTemporary(name: string): Promise<string> {
  return (await call(user(name), 'POST', '/credentials', { body: {} })).json.password;
}

describe('users', () => {
  test.each(['admin', 'anonymous', 'oidc', 'token', 'a', '-x', 'x+y', 'X', 'a/b', 'a..b', '*', ''])(
    'the name "%s" is refused',
    async (name) => {
      const { status } = await call(ADMIN, 'POST', '/users', {
        body: { name, password: PASSWORD },
      });
      expect(status).toBe(400);
    },
  );

  test.each(['short', 'x'.repeat(257)])('a password of a wrong length is refused', async (text) => {
    const body = { name: 'length', password: text };
    expect((await call(ADMIN, 'POST', '/users', { body })).status).toBe(400);
  });

  test('a name is taken once', async () => {
    await newUser('once');
    const again = await call(ADMIN, 'POST', '/users', {
      body: { name: 'once', password: PASSWORD, isAdmin: true },
    });
    expect(again.status).toBe(409);
    expect((await call(ADMIN, 'GET', '/users/once')).json.isAdmin).toBe(false);
    expect((await audited('user.create')).filter(({ target }) => target === 'once').length).toBe(1);
  });

  test('PATCH changes the fields that it names, and no others', async () => {
    await newUser('fields');
    const before = await metadata.users.find('fields');
    await call(ADMIN, 'PATCH', '/users/fields', { body: { isAdmin: true } });
    await call(ADMIN, 'PATCH', '/users/fields', { body: { isDisabled: true } });
    expect(await metadata.users.find('fields')).toEqual({
      ...before,
      isAdmin: true,
      isDisabled: true,
    });
    await call(ADMIN, 'PATCH', '/users/fields', { body: { isDisabled: false } });
    expect((await metadata.users.find('fields'))?.isDisabled).toBe(false);
    expect((await call(ADMIN, 'PATCH', '/users/fields', { body: {} })).status).toBe(400);
    expect((await audited('user.update')).at(-1)).toMatchObject({
      target: 'fields',
      before: '{"isAdmin":true,"isDisabled":true}',
      after: '{"isDisabled":false}',
    });
  });

  test('a user who is not there: 404, and no entry in the audit log', async () => {
    const count = (await call(ADMIN, 'GET', '/audit')).json.entries.length;
    const answers = [
      await call(ADMIN, 'GET', '/users/missing'),
      await call(ADMIN, 'PATCH', '/users/missing', { body: { isAdmin: true } }),
      await call(ADMIN, 'DELETE', '/users/missing'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await call(ADMIN, 'GET', '/audit')).json.entries.length).toBe(count);
  });

  test('lists are paged by name', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) {
      await newUser(name);
    }
    const first = await call(ADMIN, 'GET', '/users?after=page&limit=2');
    expect(first.json.users.map((entry: { name: string }) => entry.name)).toEqual([
      'page-a',
      'page-b',
    ]);
    expect(first.json.next).toBe('page-b');
    const last = await call(ADMIN, 'GET', `/users?after=${first.json.next}&limit=1`);
    expect(last.json.users.map((entry: { name: string }) => entry.name)).toEqual(['page-c']);
  });

  test('no answer holds a password, or its hash', async () => {
    await newUser('hidden');
    const texts = [
      (await call(ADMIN, 'GET', '/users')).text,
      (await call(ADMIN, 'GET', '/users/hidden')).text,
      (await call(ADMIN, 'GET', '/audit')).text,
    ];
    expect(texts.join()).not.toMatch(/scrypt|correct horse/);
  });
});

describe('what a user was given', () => {
  test('a deleted user leaves nothing to a later one of the name', async () => {
    await newUser('heir');
    await newNamespace('estate', { heir: 'admin' });
    const secrets = [await newToken('heir'), await newTemporary('heir')];
    expect(await Promise.all(secrets.map(isGood))).toEqual([true, true]);
    await call(ADMIN, 'DELETE', '/users/heir');
    await newUser('heir');
    expect(await Promise.all(secrets.map(isGood))).toEqual([false, false]);
    expect((await call(user('heir'), 'GET', '/namespaces/estate')).status).toBe(404);
    expect((await call(user('heir'), 'GET', '/tokens')).json.tokens).toEqual([]);
  });

  test('what was left over by a race goes when the name is taken again', async () => {
    const credential = {
      kind: 'personal' as const,
      principal: 'ghost',
      name: 'left over',
      limits: '[]',
      grants: null,
      parent: null,
      trustRule: null,
      expiresAt: null,
    };
    const actor = { principal: 'ghost', address: null };
    await metadata.credentials.create(
      { ...credential, id: 'ghost', secretHash: hashSecret('ghost') },
      actor,
      { event: 'test' },
    );
    await newUser('ghost');
    expect(await isGood('ghost')).toBe(false);
  });

  test.each([
    ['a new password', { password: `${PASSWORD}!` }],
    ['being disabled', { isDisabled: true }],
  ])('%s ends refresh tokens and temporary credentials', async (title, change) => {
    const name = title.replaceAll(' ', '-');
    await newUser(name);
    const refresh = `refresh of ${name}`;
    await metadata.credentials.create(
      {
        id: refresh,
        kind: 'refresh',
        principal: name,
        name: 'docker',
        secretHash: hashSecret(refresh),
        limits: '[]',
        grants: null,
        parent: null,
        trustRule: null,
        expiresAt: null,
      },
      { principal: name, address: null },
      { event: 'test' },
    );
    const token = await newToken(name);
    const temporary = await newTemporary(name);
    await call(ADMIN, 'PATCH', `/users/${name}`, { body: change });
    await call(ADMIN, 'PATCH', `/users/${name}`, { body: { isDisabled: false } });
    expect([await isGood(refresh), await isGood(temporary), await isGood(token)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test('a disabled user cannot log in with a token', async () => {
    await newUser('paused');
    const token = await newToken('paused');
    await call(ADMIN, 'PATCH', '/users/paused', { body: { isDisabled: true } });
    expect(await isGood(token)).toBe(false);
  });
});

describe('the own password', () => {
  const change = (current: string, caller = user('self')) =>
    call(caller, 'PUT', '/me/password', { body: { current, password: 'another good one' } });

  test('takes the current one, and a login with it', async () => {
    await newUser('self');
    expect((await change('wrong')).status).toBe(400);
    expect((await change(PASSWORD, user('self', { credential: 'a token' }))).status).toBe(403);
    expect((await change(PASSWORD)).status).toBe(204);
    expect((await change(PASSWORD)).status).toBe(400);
    expect((await change('another good one')).status).toBe(204);
  });

  test('of the system administrator is not kept here', async () => {
    expect((await change('x', ADMIN)).status).toBe(403);
  });
});
