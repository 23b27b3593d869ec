/** The API behind the router: who logs in, and what is said to those who cannot. */
import { beforeAll, expect, test } from 'vitest';
import { call as send } from '../support/client.ts';
import { ADMIN, basic, useClosedRegistry } from '../support/closed.ts';
import { PASSWORD } from './api.ts';

beforeAll(() => useClosedRegistry());

function call(headers: Record<string, string>, method: string, path: string, body?: object) {
  return send(method, `/api/v1${path}`, {
    headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function jsonOf(response: Response): Promise<Record<string, string>> {
  expect(response.status, await response.clone().text()).toBeLessThan(300);
  return response.json();
}

test('a user logs in with the password, a token and a temporary credential', async () => {
  await jsonOf(await call(ADMIN, 'POST', '/users', { name: 'alice', password: PASSWORD }));
  const alice = basic('alice', PASSWORD);
  const { secret = '' } = await jsonOf(await call(alice, 'POST', '/tokens', { name: 'laptop' }));
  const byToken = basic('alice', secret);
  const made = await jsonOf(await call(byToken, 'POST', '/credentials', { minutes: 5 }));
  const temporary = basic(made.username ?? '', made.password ?? '');
  for (const login of [alice, byToken, temporary]) {
    expect(await jsonOf(await call(login, 'GET', '/me'))).toEqual({
      principal: 'alice',
      kind: 'user',
      isAdmin: false,
      limits: [],
    });
  }
  expect((await call(byToken, 'GET', '/users')).status).toBe(403);
});

test('a robot logs in, sees who it is, and administers nothing', async () => {
  await jsonOf(await call(ADMIN, 'POST', '/namespaces', { name: 'acme' }));
  const body = { name: 'ci', role: 'admin' };
  const robot = await jsonOf(await call(ADMIN, 'POST', '/namespaces/acme/robots', body));
  const login = basic(robot.name ?? '', robot.secret ?? '');
  expect(await jsonOf(await call(login, 'GET', '/me'))).toMatchObject({
    principal: 'acme+ci',
    kind: 'robot',
  });
  expect((await call(login, 'GET', '/namespaces/acme')).status).toBe(403);
});

test('nobody, and a wrong password: a problem with a challenge', async () => {
  for (const headers of [{}, basic('alice', 'wrong password'), basic('alice', 'ewp_x')]) {
    const refused = await call(headers, 'GET', '/me');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('Content-Type')).toBe('application/problem+json');
    expect(refused.headers.get('WWW-Authenticate')).toBe('Basic realm="edgewater"');
    expect(refused.headers.get('X-Content-Type-Options')).toBe('nosniff');
  }
});

test('the description is for everybody', async () => {
  expect((await call({}, 'GET', '/openapi.json')).status).toBe(200);
});
