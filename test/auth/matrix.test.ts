/** Every route of the router, as everybody: what the role matrix says, and nothing else. */
import { generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import readme from '../../README.md?raw';
import { ROLES, type Role } from '../../src/auth/roles.ts';
import { ROUTES } from '../../src/router.ts';
import { createNamespace, createRobot, createUser, setRole } from '../support/accounts.ts';
import { call, type HeaderMap } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import { randomDigest } from '../support/images.ts';
import { bearer } from '../support/tokens.ts';

const REPOSITORY = 'matrix/app';
const SCOPE = `repository:${REPOSITORY}:pull,push,delete registry:catalog:*`;

/** What each access needs of a role. A new kind of access has to be added here. */
const NEEDED: Record<string, 'pull' | 'push' | 'delete' | 'login' | 'own login' | 'nothing'> = {
  pull: 'pull',
  push: 'push',
  delete: 'delete',
  any: 'login',
  catalog: 'login',
  login: 'own login',
  public: 'nothing',
};

const CALLERS: Record<string, { role: Role; headers: HeaderMap; isLogin: boolean }> = {};

beforeAll(async () => {
  useClosedRegistry();
  await createNamespace('matrix');
  await createNamespace('elsewhere');
  for (const role of ['reader', 'developer', 'maintainer', 'admin'] as const) {
    const login = await createUser(`matrix-${role}`);
    await setRole('matrix', login.principal, role);
    CALLERS[role] = { role, headers: login.headers, isLogin: true };
  }
  const robot = await createRobot('elsewhere', 'ci', 'admin');
  CALLERS['robot of another namespace'] = { role: 'none', headers: robot.headers, isLogin: true };
  CALLERS['system administrator'] = { role: 'admin', headers: ADMIN, isLogin: true };
  CALLERS.nobody = { role: 'none', headers: {}, isLogin: false };
});

afterEach(() => vi.useRealTimers());

const callers = [
  'nobody',
  'reader',
  'developer',
  'maintainer',
  'admin',
  'robot of another namespace',
  'system administrator',
];

const rows = ROUTES.flatMap(({ methods, path, access }) =>
  methods.map((method) => ({
    method,
    access,
    path: path
      .replace(':name+', REPOSITORY)
      .replace(':param', path.includes('uploads') ? crypto.randomUUID() : randomDigest()),
  })),
);

describe.each(callers)('%s', (name) => {
  test.each(rows)('$method $path', async ({ method, path, access }) => {
    const caller = CALLERS[name];
    const needed = NEEDED[access];
    expect(needed, `what ${access} needs`).toBeDefined();
    const { role = 'none', headers = {}, isLogin = false } = caller ?? {};
    const isAllowed =
      needed === 'nothing' ||
      needed === 'login' ||
      (needed === 'own login' ? isLogin : (ROLES[role] as readonly unknown[]).includes(needed));
    const byToken = await call(method, path, { headers: await bearer(SCOPE, headers) });
    // Tokens are fetched by Basic or by nobody.
    const isRefusedByToken = path === '/token' ? method === 'GET' : !isAllowed;
    expect(isRefused(byToken), `by token: ${byToken.status}`).toBe(isRefusedByToken);
    const direct = await call(method, path, { headers });
    const isRefusedDirectly = needed === 'nothing' ? false : !isAllowed || !isLogin;
    expect(isRefused(direct), `by Basic: ${direct.status}`).toBe(isRefusedDirectly);
    expect(byToken.status).toBeLessThan(500);
    expect(direct.status).toBeLessThan(500);
  });
});

describe('a token that is not good', () => {
  const closed = rows.filter(({ access }) => NEEDED[access] !== 'nothing');

  test.each(closed)('expired: $method $path', async ({ method, path }) => {
    const headers = await bearer(SCOPE, CALLERS.admin?.headers);
    vi.useFakeTimers({ now: Date.now() + 6 * 60_000, toFake: ['Date'] });
    expectInvalid(await call(method, path, { headers }));
  });

  test.each(closed)('of another key: $method $path', async ({ method, path }) => {
    const { privateKey } = await generateKeyPair('EdDSA');
    const token = await new SignJWT({
      access: [{ type: 'repository', name: REPOSITORY, actions: ['pull', 'push', 'delete'] }],
      networks: {},
    })
      .setProtectedHeader({ alg: 'EdDSA', kid: crypto.randomUUID() })
      .setIssuer('edgewater')
      .setAudience('registry.test')
      .setSubject('admin')
      .setExpirationTime('5m')
      .sign(privateKey);
    expectInvalid(await call(method, path, { headers: { Authorization: `Bearer ${token}` } }));
  });
});

test('the README has the role matrix', () => {
  const [, header = '', , ...lines] =
    /## Who may do what[\s\S]*?\n(\|[^\n]*\n)(\|[-| ]*\n)((?:\|[^\n]*\n)+)/.exec(readme) ?? [];
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [, ...permissions] = cells(header.trim());
  const table = Object.fromEntries(
    lines
      .join('')
      .trim()
      .split('\n')
      .map(cells)
      .map(([role = '', ...marks]) => [
        role,
        permissions.filter((_, column) => marks[column] === 'yes'),
      ]),
  );
  expect(table).toEqual(ROLES);
});

function isRefused(response: Response): boolean {
  return response.status === 401 || response.status === 403;
}

function expectInvalid(response: Response): void {
  expect(response.status).toBe(401);
  expect(response.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
}
