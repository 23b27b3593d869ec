/** Advisories against what registries have beside the protocol, each asked of the JSON API. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/admin/routes.ts';
import {
  createNamespace,
  createRobot,
  createUser,
  metadata,
  setRole,
  type TestLogin,
} from '../support/accounts.ts';
import { call, type HeaderMap } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import { bearer, fetchToken, grantedBy } from '../support/tokens.ts';

const ACTOR = { principal: 'test', address: null };

let alice: TestLogin; // maintainer of priv
let mallory: TestLogin; // admin of mal

beforeAll(async () => {
  useClosedRegistry();
  await createNamespace('priv');
  await createNamespace('mal');
  alice = await createUser('adv-alice');
  mallory = await createUser('adv-mallory');
  await setRole('priv', alice.principal, 'maintainer');
  await setRole('mal', mallory.principal, 'admin');
});

/** A request to the JSON API. */
function api(login: { headers: HeaderMap }, method: string, path: string, body?: unknown) {
  return call(method, `/api/v1${path}`, {
    headers: { ...login.headers, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

describe('memberships', () => {
  test('V10 CVE-2025-23208: end when they are taken away', async () => {
    const leaver = await createUser('adv-leaver');
    await setRole('priv', leaver.principal, 'reader');
    const scope = 'repository:priv/app:pull';
    expect(grantedBy(await fetchToken(scope, leaver.headers))).toEqual({ 'priv/app': ['pull'] });
    const path = `/namespaces/priv/members/${leaver.principal}`;
    expect((await api({ headers: ADMIN }, 'DELETE', path)).status).toBe(204);
    expect(grantedBy(await fetchToken(scope, leaver.headers))).toEqual({});
    const pull = await call('GET', '/v2/priv/app/tags/list', { headers: leaver.headers });
    expect(pull.status).toBe(401);
  });

  test('V20 CVE-2024-22278: a maintainer changes no settings', async () => {
    const changed = await api(alice, 'PATCH', '/namespaces/priv', { isPublic: true });
    expect(changed.status).toBe(403);
    expect((await api(alice, 'PUT', '/namespaces/priv/network', {})).status).toBe(403);
    expect((await call('GET', '/v2/priv/app/tags/list')).status).toBe(401);
  });
});

describe('the JSON API', () => {
  test.each([
    ['/users', { name: 'adv-new', password: 'a long password', has_admin_role: true }],
    ['/users', { name: 'adv-new', password: 'a long password', principal: 'admin' }],
    ['/tokens', { name: 'x', principal: 'admin' }],
    ['/credentials', { minutes: 5, username: 'admin' }],
    ['/namespaces', { name: 'adv-new', owner_id: 1 }],
    ['/namespaces/mal/robots', { name: 'x', namespace: 'priv' }],
  ])('V18 CVE-2019-16097: %s knows no field beside its own: %j', async (path, body) => {
    expect((await api({ headers: ADMIN }, 'POST', path, body)).status).toBe(400);
  });

  test('V19 CVE-2022-31666: what is of another namespace or user is not there', async () => {
    const robot = await createRobot('priv', 'ci', 'reader');
    const rule = { issuer: 'https://issuer.example', audience: 'x', claims: '{"sub":"x"}' };
    await metadata.trustRules.create(
      { id: crypto.randomUUID(), namespace: 'priv', name: 'github', grants: '[]', ...rule },
      ACTOR,
      { event: 'test' },
    );
    const [token] = await metadata.credentials.list(alice.principal, ['personal']);
    const answers = [
      await api(mallory, 'POST', '/namespaces/mal/robots/priv+ci/secret', {}),
      await api(mallory, 'PATCH', '/namespaces/mal/robots/priv+ci', { isDisabled: true }),
      await api(mallory, 'DELETE', '/namespaces/mal/robots/priv+ci'),
      await api(mallory, 'DELETE', '/namespaces/mal/robots/ci'),
      await api(mallory, 'DELETE', '/namespaces/mal/trust-rules/github'),
      await api(mallory, 'DELETE', `/tokens/${token?.id}`),
      await api(mallory, 'DELETE', `/namespaces/mal/members/${alice.principal}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    expect((await call('GET', '/v2/', { headers: robot.headers })).status).toBe(200);
    expect((await call('GET', '/v2/', { headers: alice.headers })).status).toBe(200);
  });

  test.each([`${'a'.repeat(44)}!`, `${'a*'.repeat(22)}!`, '*'.repeat(44)])(
    'a glob that is none is refused at once, however it goes on: %s',
    async (repositories) => {
      const grants = [{ repositories, actions: ['pull'] }];
      const start = performance.now();
      const response = await api(mallory, 'POST', '/tokens', { name: 'slow', grants });
      expect(response.status).toBe(400);
      expect(performance.now() - start).toBeLessThan(1000);
    },
  );

  test.each(['q=password~a', 'sort=password', 'sort=1;drop', "after='&limit=x", 'fields=password'])(
    'V22 CVE-2025-30086: a list has no column to choose: %s',
    async (query) => {
      for (const path of ['/users', '/audit', '/namespaces', '/namespaces/mal/members']) {
        const response = await api({ headers: ADMIN }, 'GET', `${path}?${query}`);
        expect(response.status).toBe(400);
      }
    },
  );

  test.each(
    [
      'http://169.254.169.254/latest',
      'https://169.254.169.254',
      'https://127.0.0.1',
      'https://[::1]',
      'https://[::ffff:127.0.0.1]',
      'https://0x7f000001',
      'https://2130706433',
      'https://localhost.',
      'file:///etc/passwd',
      'http://issuer.example',
      'https://user:pw@issuer.example',
    ].map((issuer) => [issuer]),
  )('V15 CVE-2026-2376, V16: the registry is not sent to %s', async (issuer) => {
    useClosedRegistry({ LOCAL: 'false' });
    const response = await api(mallory, 'POST', '/namespaces/mal/trust-rules', {
      name: 'ssrf',
      issuer,
      audience: 'x',
      claims: { sub: 'x' },
      grants: [{ repositories: 'mal/*', actions: ['pull'] }],
    });
    useClosedRegistry();
    expect(response.status).toBe(400);
  });

  const rows = ROUTES.filter(({ permission }) => typeof permission !== 'string').concat(
    ROUTES.filter(({ permission }) => permission === 'system'),
  );

  test.each(rows)('V24 AWS-2022-010: $method $path is not for strangers', async (row) => {
    const path = row.path
      .replace('/api/v1', '')
      .replace(':namespace', 'priv')
      .replace(':principal', mallory.principal)
      .replace(/:\w+/, 'ci');
    for (const [login, statuses] of [
      [mallory, [403, 404]],
      [{ headers: {} }, [401]],
      [{ headers: await bearer('repository:priv/app:pull,push', alice.headers) }, [401]],
    ] as const) {
      const response = await api(login, row.method, path, row.body === null ? undefined : {});
      expect(statuses as readonly number[]).toContain(response.status);
    }
  });
});
