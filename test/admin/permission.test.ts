/** Every row as everybody: what the table's permission says, and nothing else. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/admin/routes.ts';
import type { Identity } from '../../src/auth/identity.ts';
import { ROLES, type Role } from '../../src/auth/roles.ts';
import { ADMIN, call, newNamespace, newUser, user } from './api.ts';
import { EXAMPLES } from './examples.ts';

const GRANTS = [{ repositories: '**', actions: ['pull'] as const }];
const NOBODY_THERE = 'nobody-there'; // a namespace that does not exist

const members: Record<Exclude<Role, 'none'>, Identity> = {
  reader: user('a-reader'),
  developer: user('a-developer'),
  maintainer: user('a-maintainer'),
  admin: user('an-admin'),
};

const narrowed: Record<string, Identity> = {
  'a limited token of a system administrator': user('root', { isAdmin: true, limits: [GRANTS] }),
  'a limited token of an admin': user('an-admin', { limits: [GRANTS] }),
  'a robot': user('foreign+ci', { kind: 'robot' }),
  'a workload': user('oidc:issuer:sub', { kind: 'workload', grants: GRANTS, trustRule: 'x' }),
};

beforeAll(async () => {
  for (const { principal } of [...Object.values(members), user('outsider'), user('nobody')]) {
    await newUser(principal);
  }
  await newNamespace('foreign', {
    ...Object.fromEntries(
      Object.entries(members).map(([role, { principal }]) => [principal, role]),
    ),
    nobody: 'none',
    '*': 'reader',
  });
  for (const path of ['/namespaces/foreign', '/namespaces/public']) {
    if (path.endsWith('public')) {
      await newNamespace('public');
    }
    await call(ADMIN, 'PATCH', path, { body: { isPublic: true } });
  }
  await call(ADMIN, 'PUT', '/namespaces/foreign/members/outsider', {
    body: { role: 'admin', repositories: 'web/*' },
  });
});

const rows = ROUTES.map((row) => ({
  name: `${row.method} ${row.path}`,
  row,
  /** A request that gets as far as the permission: what it names is not there, or its body is empty. */
  send: (caller: Identity | null, namespace: string) => {
    const path = row.path
      .replace('/api/v1', '')
      .replace(':namespace', namespace)
      .replace(/:\w+/, 'not-there');
    return call(caller, row.method, path, row.body === null ? {} : { body: { unknown: 1 } });
  },
}));

describe.each(rows)('$name', ({ row: { permission }, send }) => {
  test('nobody: 401 with a challenge, but for public rows', async () => {
    const { status, headers } = await send(null, 'foreign');
    expect(status).toBe(permission === 'public' ? 200 : 401);
    expect(headers.get('WWW-Authenticate')).toBe(
      permission === 'public' ? null : 'Basic realm="edgewater"',
    );
  });

  test.each(Object.keys(narrowed))('%s: 403, but for the rows of every login', async (name) => {
    const { status } = await send(narrowed[name] ?? null, 'foreign');
    const isOpen = permission === 'public' || permission === 'login';
    const isAboutRepository = typeof permission === 'object' && 'repository' in permission;
    expect(status === 403).toBe(!(isOpen || isAboutRepository));
  });

  test('a user: 403 where it takes an administrator of the system', async () => {
    const { status } = await send(user('outsider'), 'foreign');
    expect(status === 403).toBe(permission === 'system');
  });

  if (typeof permission === 'object' && 'namespace' in permission) {
    test.each(['outsider', 'nobody', 'stranger'])(
      '%s, without a role on the namespace: 404, as if it were not there',
      async (name) => {
        const foreign = await send(user(name), 'foreign');
        const unknown = await send(user(name), NOBODY_THERE);
        expect(foreign.status).toBe(404);
        expect(foreign.text).toBe(unknown.text);
        expect([...foreign.headers]).toEqual([...unknown.headers]);
      },
    );

    test.each(Object.entries(members))('%s: what the role allows', async (role, identity) => {
      const need = permission.namespace;
      const allowed =
        need === 'member' || (ROLES[role as Role] as readonly string[]).includes(need);
      const { status } = await send(identity, 'foreign');
      expect(status === 403).toBe(!allowed);
      expect((await send(identity, 'public')).status).toBe(404);
    });
  }
});

test('the permissions of the rows are the ones agreed on', () => {
  const own = ROUTES.filter((row) => typeof row.permission === 'object').map(
    (row) => [`${row.method} ${row.path.slice('/api/v1'.length)}`, row.permission] as const,
  );
  const need = (permission: string) => ({ namespace: permission });
  const base = '/namespaces/:namespace';
  const repository = '/repositories/:repository';
  expect(Object.fromEntries(own)).toEqual({
    [`GET ${base}`]: need('member'),
    [`PATCH ${base}`]: need('settings'),
    [`GET ${base}/network`]: need('settings'),
    [`PUT ${base}/network`]: need('settings'),
    [`GET ${base}/usage`]: need('settings'),
    [`GET ${base}/members`]: need('members'),
    [`PUT ${base}/members/:principal`]: need('members'),
    [`DELETE ${base}/members/:principal`]: need('members'),
    [`GET ${base}/robots`]: need('members'),
    [`POST ${base}/robots`]: need('members'),
    [`POST ${base}/robots/:robot/secret`]: need('members'),
    [`PATCH ${base}/robots/:robot`]: need('members'),
    [`DELETE ${base}/robots/:robot`]: need('members'),
    [`GET ${base}/trust-rules`]: need('members'),
    [`POST ${base}/trust-rules`]: need('members'),
    [`DELETE ${base}/trust-rules/:rule`]: need('members'),
    [`POST ${base}/repositories`]: need('create'),
    [`DELETE ${base}/repositories/:repository`]: need('create'),
    [`GET ${base}/deleted-repositories`]: need('create'),
    [`POST ${base}/deleted-repositories/:id/restore`]: need('create'),
    [`DELETE ${base}/deleted-repositories/:id`]: need('create'),
    [`GET ${repository}/tags`]: { repository: 'pull' },
    [`GET ${repository}/manifests`]: { repository: 'pull' },
    [`GET ${repository}/tags/:tag`]: { repository: 'pull' },
    [`GET ${repository}/tags/:tag/history`]: { repository: 'pull' },
    [`POST ${repository}/tags/:tag/restore`]: { repository: 'push' },
    [`GET ${repository}/deleted-tags`]: { repository: 'pull' },
    [`GET ${repository}/deleted-manifests`]: { repository: 'pull' },
    [`POST ${repository}/deleted-manifests/:digest/restore`]: { repository: 'push' },
    [`DELETE ${repository}/deleted-manifests/:digest`]: { repository: 'delete' },
    [`DELETE ${repository}/deleted-manifests`]: { repository: 'delete' },
    [`GET ${base}/retention`]: need('settings'),
    [`PUT ${base}/retention`]: need('settings'),
    [`DELETE ${base}/retention`]: need('settings'),
    [`POST ${base}/retention/preview`]: need('settings'),
    [`POST ${base}/retention/run`]: need('settings'),
    [`GET ${base}/tag-rules`]: need('settings'),
    [`PUT ${base}/tag-rules`]: need('settings'),
    [`DELETE ${base}/tag-rules`]: need('settings'),
    [`GET ${base}/audit`]: need('members'),
    [`GET ${base}/why/:digest`]: need('member'),
  });
});

test('an entry of mass assignment: nobody makes themselves an administrator', async () => {
  const { principal } = members.admin;
  const tries = [
    await call(members.admin, 'PATCH', `/users/${principal}`, { body: { isAdmin: true } }),
    await call(members.admin, 'PUT', '/me/password', {
      body: { current: 'x', password: 'a new password', isAdmin: true },
    }),
    await call(members.admin, 'POST', '/tokens', { body: { name: 'x', isAdmin: true } }),
    await call(members.admin, 'POST', '/credentials', { body: { principal: 'admin' } }),
    await call(members.admin, 'PATCH', '/namespaces/foreign', { body: { name: 'public' } }),
  ];
  expect(tries.map(({ status }) => status)).toEqual([403, 400, 400, 400, 400]);
  expect((await call(ADMIN, 'GET', `/users/${principal}`)).json.isAdmin).toBe(false);
});

test('examples are refused to an outsider before they change anything', async () => {
  const inNamespace = EXAMPLES.filter(({ route }) => route.startsWith('/namespaces/:namespace'));
  for (const { method, path, body } of inNamespace) {
    const foreign = (path ?? '').replace('/acme', '/foreign').replace('/empty', '/foreign');
    const { status } = await call(user('stranger'), method, foreign, { ...(body && { body }) });
    expect([403, 404, ...(foreign.endsWith('/repositories') ? [200] : [])]).toContain(status);
  }
});
