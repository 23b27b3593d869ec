/** Failed logins: how many are free, who waits then, and what they are told. */
import { beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/passwords.ts';
import { createUser, metadata } from '../support/accounts.ts';
import { bytesOf, call } from '../support/client.ts';
import { basic, useClosedRegistry } from '../support/closed.ts';
import { query } from '../support/storage.ts';

const PASSWORD = 'a password: with a colon, and ü';
const ACTOR = { principal: 'test', address: null };

beforeAll(async () => {
  useClosedRegistry();
  const password = await hashPassword(PASSWORD);
  for (const name of ['victim', 'busy', 'parallel']) {
    await metadata.users.create({ name, password, isAdmin: false }, ACTOR, { event: 'test' });
  }
});

function logIn(user: string, password: string, address: string): Promise<Response> {
  const headers = { ...basic(user, password), 'CF-Connecting-IP': address };
  return call('GET', '/token', { headers });
}

async function statuses(count: number, user: (index: number) => string, address: string) {
  const seen: number[] = [];
  for (let index = 0; index < count; index++) {
    seen.push((await logIn(user(index), 'not the password', address)).status);
  }
  return seen;
}

describe('an account', () => {
  test('is slowed down after five failures, and tells how long', async () => {
    expect(await statuses(5, () => 'victim', '192.0.2.1')).toEqual([401, 401, 401, 401, 401]);
    const response = await logIn('victim', 'not the password', '198.51.100.1'); // from elsewhere
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(await response.json()).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] });
    expect((await logIn('victim', PASSWORD, '198.51.100.2')).status).toBe(429);
  });

  test('stays open to an address that has logged in to it', async () => {
    expect((await logIn('busy', PASSWORD, '192.0.2.10')).status).toBe(200);
    await statuses(6, () => 'busy', '192.0.2.11');
    expect((await logIn('busy', PASSWORD, '192.0.2.12')).status).toBe(429);
    expect((await logIn('busy', PASSWORD, '192.0.2.10')).status).toBe(200);
  });

  test('gives nothing away to many attempts at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 15 }, () => logIn('parallel', 'not the password', '192.0.2.20')),
    );
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(6);
  });

  test('answers as one that is not there', async () => {
    const told = async (user: string) => {
      const response = await logIn(user, 'not the password', '192.0.2.30');
      const text = new TextDecoder().decode(await bytesOf(response));
      return { status: response.status, headers: [...response.headers], text };
    };
    const user = await createUser('somebody');
    expect(await told(user.principal)).toEqual(await told('nobody-of-that-name'));
  });
});

describe('an address', () => {
  /** A secret of somebody else is a failure that costs no time. */
  async function fail(times: number, address: string): Promise<number[]> {
    const answers = Array.from({ length: times }, () => logIn('somebody-else', secret, address));
    return (await Promise.all(answers)).map(({ status }) => status);
  }

  let secret = '';

  beforeAll(async () => {
    secret = (await createUser('with-secret')).secret;
  });

  test('is slowed down over all accounts, an IPv6 one with its /64', async () => {
    const seen = await fail(100, '2001:db8:1:2::1');
    expect(seen.filter((status) => status === 401).length).toBe(100);
    expect((await logIn('nobody', 'x', '2001:db8:1:2:ffff::9')).status).toBe(429);
    expect((await logIn('nobody', 'x', '2001:db8:1:3::1')).status).toBe(401);
  });

  test('is slowed down when it tries secrets', async () => {
    await fail(100, '203.0.113.7');
    expect(await fail(1, '203.0.113.7')).toEqual([429]);
  });
});

describe('credentials', () => {
  test('A29: a password may have a colon and any letters', async () => {
    expect((await logIn('busy', PASSWORD, '192.0.2.10')).status).toBe(200);
  });

  test.each([
    ['A30: a short one', basic('admin', 'x')],
    ['an empty one', basic('admin', '')],
    ['no name', basic('', 'x')],
    ['a very long one', basic('nobody-at-all', 'x'.repeat(10_000))],
    ['no colon', { Authorization: `Basic ${btoa('admin')}` }],
    ['no base64', { Authorization: 'Basic §§§' }],
    ['an unknown scheme', { Authorization: 'Digest username="admin"' }],
    ['nothing behind the scheme', { Authorization: 'Basic' }],
  ])('%s is refused and not a failure of ours', async (_title, headers) => {
    const response = await call('GET', '/v2/', {
      headers: { ...headers, 'CF-Connecting-IP': '192.0.2.99' },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toContain('Bearer realm=');
  });

  test('a failure is in the audit log, without the password', async () => {
    await logIn('audited', 'not the password', '192.0.2.77');
    const rows = await query(
      "SELECT address FROM audit WHERE event = 'login.failed' AND principal = 'audited'",
    );
    expect(rows).toEqual(['192.0.2.77']);
    expect(await query("SELECT id FROM audit WHERE audit.target LIKE '%not the%'")).toEqual([]);
  });
});
