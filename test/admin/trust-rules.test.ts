/** Trust rules: which issuers, claims and grants are refused. */
import { beforeAll, describe, expect, test } from 'vitest';
import { audited, call, user } from './api.ts';
import { boss, prepare } from './given.ts';

beforeAll(prepare);

describe('trust rules', () => {
  const good = {
    name: 'rule',
    issuer: 'https://gitlab.example.com',
    audience: 'registry',
    claims: { project_path: 'own/*' },
    grants: [{ repositories: 'own/app', actions: ['push'] }],
  };
  const add = (body: object, allowsLocalIssuers = false) =>
    call(boss, 'POST', '/namespaces/own/trust-rules', { body, context: { allowsLocalIssuers } });

  test.each([
    'http://gitlab.example.com',
    'ftp://gitlab.example.com',
    'https://user@gitlab.example.com',
    'https://user:secret@gitlab.example.com',
    'https://gitlab.example.com?x',
    'https://gitlab.example.com/?',
    'https://gitlab.example.com#x',
    'https://gitlab.example.com/#',
    'https://127.0.0.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://[::1]',
    'https://[::ffff:169.254.169.254]',
    'https://169.254.169.254/latest',
    'https://10.0.0.1:8443',
    'https://localhost',
    'https://localhost.',
    'https://a.localhost',
    'http://localhost:8080',
    'https://GitLab.example.com',
    'https://gitlab.example.com/../x',
    ' https://gitlab.example.com',
    'https:gitlab.example.com',
    'gitlab.example.com',
    '',
  ])('the issuer "%s" is refused', async (issuer) => {
    expect((await add({ ...good, name: 'bad', issuer })).status).toBe(400);
  });

  test.each(['http://localhost:8080', 'http://127.0.0.1:9', 'https://localhost/x'])(
    'on a machine of its own the issuer "%s" is good',
    async (issuer) => {
      const name = `local-${issuer.length}`;
      expect((await add({ ...good, name, issuer }, true)).status).toBe(201);
      expect((await add({ ...good, name: 'x1', issuer: 'http://10.0.0.1' }, true)).status).toBe(
        400,
      );
    },
  );

  test.each([
    { claims: {} },
    { claims: { sub: '*' } },
    { claims: { sub: '**', ref: ['*', 'x'] } },
    { claims: { sub: [] } },
    { claims: { sub: 1 } },
    { claims: { sub: { x: 'y' } } },
    { grants: [] },
    { grants: [{ repositories: 'other/app', actions: ['push'] }] },
    { grants: [{ repositories: 'own', actions: ['push'] }] },
    { grants: [{ repositories: 'own*/app', actions: ['push'] }] },
    { grants: [{ repositories: '**', actions: ['push'] }] },
    {
      grants: [
        { repositories: 'own/app', actions: ['push'] },
        { repositories: 'other/app', actions: ['push'] },
      ],
    },
    { grants: [{ repositories: 'own/app', actions: ['members'] }] },
    { grants: [{ repositories: 'own/app', actions: [] }] },
    { audience: '' },
    { name: 'a/b' },
  ])('%j is refused', async (change) => {
    expect((await add({ ...good, name: 'bad', ...change })).status).toBe(400);
  });

  test('one is added once, listed, and removed', async () => {
    expect((await add(good)).json).toMatchObject(good);
    expect((await add({ ...good, audience: 'another' })).status).toBe(409);
    const list = await call(boss, 'GET', '/namespaces/own/trust-rules?after=rul');
    expect(list.json.trustRules).toMatchObject([good]);
    expect((await call(user('rival'), 'GET', '/namespaces/other/trust-rules')).json).toEqual({
      trustRules: [],
    });
    const foreign = await call(user('rival'), 'DELETE', '/namespaces/other/trust-rules/rule');
    expect(foreign.status).toBe(404);
    expect((await call(boss, 'DELETE', '/namespaces/own/trust-rules/rule')).status).toBe(204);
    expect((await audited('trust-rule.delete')).at(-1).before).toContain('"audience":"registry"');
  });
});
