/** Personal access tokens and temporary credentials. */
import { describe, expect, test } from 'vitest';
import { hashSecret, isSecret } from '../../src/auth/secrets.ts';
import { ADMIN, audited, call, isGood, metadata, newNamespace, newUser, user } from './api.ts';

async function newToken(name: string, body: Record<string, unknown> = {}): Promise<string> {
  const { json } = await call(user(name), 'POST', '/tokens', { body: { name: 'test', ...body } });
  return json.secret;
}

describe('tokens', () => {
  test('a secret is shown once, and only its hash is kept', async () => {
    await newUser('holder');
    const made = await call(user('holder'), 'POST', '/tokens', { body: { name: 'laptop' } });
    expect(isSecret(made.json.secret)).toBe(true);
    expect(made.json.secret).toMatch(/^ewp_/);
    const list = await call(user('holder'), 'GET', '/tokens');
    expect(list.text).not.toContain(made.json.secret);
    expect(list.json.tokens).toMatchObject([{ id: made.json.id, name: 'laptop', grants: null }]);
  });

  test('last 90 days unless their maker says otherwise', async () => {
    await newUser('lasting');
    const days = async (body: object) => {
      const { json } = await call(user('lasting'), 'POST', '/tokens', {
        body: { name: 'x', ...body },
      });
      return json.expiresAt === null
        ? null
        : Math.round((Date.parse(json.expiresAt) - Date.now()) / 86_400_000);
    };
    expect(await days({})).toBe(90);
    expect(await days({ expiresInDays: 7 })).toBe(7);
    expect(await days({ expiresInDays: null })).toBe(null);
  });

  test('of somebody else are not there', async () => {
    await newUser('owner');
    await newUser('thief');
    const { json } = await call(user('owner'), 'POST', '/tokens', { body: { name: 'mine' } });
    const foreign = await call(user('thief'), 'DELETE', `/tokens/${json.id}`);
    const unknown = await call(user('thief'), 'DELETE', '/tokens/none');
    expect({ status: foreign.status, text: foreign.text }).toEqual({
      status: 404,
      text: unknown.text,
    });
    expect(await isGood(json.secret)).toBe(true);
    expect((await call(ADMIN, 'DELETE', `/tokens/${json.id}`)).status).toBe(404);
    expect((await audited('token.revoke')).filter(({ target }) => target === json.id)).toEqual([]);
    expect((await call(user('owner'), 'DELETE', `/tokens/${json.id}`)).status).toBe(204);
    expect(await isGood(json.secret)).toBe(false);
  });

  test('made with another credential end with that, and no later', async () => {
    await newUser('chain');
    const soon = Math.floor(Date.now() / 1000) + 600;
    const first = await call(user('chain'), 'POST', '/tokens', { body: { name: 'first' } });
    const caller = user('chain', { credential: first.json.id, expiresAt: soon });
    const body = { name: 'second', expiresInDays: null };
    const second = await call(caller, 'POST', '/tokens', { body });
    expect(Date.parse(second.json.expiresAt)).toBe(soon * 1000);
    await call(user('chain'), 'DELETE', `/tokens/${first.json.id}`);
    expect(await isGood(second.json.secret)).toBe(false);
    expect((await call(caller, 'POST', '/tokens', { body })).status).toBe(404);
  });

  test('a user has at most 100', async () => {
    await newUser('hoarder');
    for (let count = 0; count < 100; count++) {
      await newToken('hoarder');
    }
    const { status } = await call(user('hoarder'), 'POST', '/tokens', { body: { name: 'x' } });
    expect(status).toBe(403);
  });
});

describe('temporary credentials', () => {
  const grants = [{ repositories: 'acme/app', actions: ['pull'] as const }];
  const wide = [{ repositories: '**', actions: ['pull', 'push', 'delete'] as const }];
  const recordOf = (secret: string) => metadata.credentials.logIn(hashSecret(secret), 'admin');

  test("have the limits and the end of the caller's credential, and their own", async () => {
    await newUser('narrow');
    const { json: parent } = await call(user('narrow'), 'POST', '/tokens', {
      body: { name: 'parent', grants },
    });
    const soon = Math.floor(Date.now() / 1000) + 60;
    const caller = user('narrow', { limits: [grants], credential: parent.id, expiresAt: soon });
    const body = { minutes: 720, grants: wide };
    const { json } = await call(caller, 'POST', '/credentials', { body });
    expect(json.username).toBe('narrow');
    expect(Date.parse(json.expiresAt)).toBe(soon * 1000);
    const record = await recordOf(json.password);
    expect(JSON.parse(record?.limits ?? '')).toEqual([grants, wide]);
    await call(user('narrow'), 'DELETE', `/tokens/${parent.id}`);
    expect(await recordOf(json.password)).toBeNull();
  });

  test.each([0, 721, 1.5, '60', null])('%j minutes are refused', async (minutes) => {
    expect((await call(ADMIN, 'POST', '/credentials', { body: { minutes } })).status).toBe(400);
  });

  test('of a workload have its grants and end with its trust rule', async () => {
    await newNamespace('works');
    const rule = {
      name: 'ci',
      issuer: 'https://issuer.example',
      audience: 'x',
      claims: { sub: 'y' },
      grants: [{ repositories: 'works/**', actions: ['push'] }],
    };
    await call(ADMIN, 'POST', '/namespaces/works/trust-rules', { body: rule });
    const stored = await metadata.trustRules.find('works', 'ci');
    const workload = user('oidc:issuer.example:y', {
      kind: 'workload',
      grants: [{ repositories: 'works/**', actions: ['push'] }],
      trustRule: stored?.id ?? null,
      expiresAt: Math.floor(Date.now() / 1000) + 300,
    });
    const { json } = await call(workload, 'POST', '/credentials', { body: {} });
    expect(json.username).toBe('token');
    const record = await recordOf(json.password);
    expect(record).toMatchObject({ isAdmin: false, trustRule: stored?.id });
    expect(JSON.parse(record?.grants ?? '')).toEqual(workload.grants);
    const child = { ...workload, credential: record?.id ?? null, trustRule: null };
    const second = await call(child, 'POST', '/credentials', { body: {} });
    expect((await recordOf(second.json.password))?.trustRule).toBe(stored?.id);
    await call(ADMIN, 'DELETE', '/namespaces/works/trust-rules/ci');
    expect(await recordOf(json.password)).toBeNull();
    expect(await recordOf(second.json.password)).toBeNull();
    const stray = { ...workload, trustRule: null };
    expect((await call(stray, 'POST', '/credentials', { body: {} })).status).toBe(403);
  });
});
