/** The count of failures: what ends it, what it leaves alone, and how long it makes one wait. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashPassword } from '../../src/auth/passwords.ts';
import { createCredential, metadata } from '../support/accounts.ts';
import { bytesOf, call, type HeaderMap } from '../support/client.ts';
import { basic, useClosedRegistry } from '../support/closed.ts';

const PASSWORD = 'the right password';
const ACTOR = { principal: 'test', address: null };
const FREE = 5; // failures of an account

beforeAll(async () => {
  useClosedRegistry();
  const password = await hashPassword(PASSWORD);
  for (const name of ['forgetful', 'slow', 'locked', 'racing', 'disabled', 'alone']) {
    await metadata.users.create({ name, password, isAdmin: false }, ACTOR, { event: 'test' });
  }
  await metadata.users.update('disabled', { isDisabled: true }, ACTOR, { event: 'test' });
});

afterEach(() => vi.useRealTimers());

function ask(headers: HeaderMap, address: string): Promise<Response> {
  return call('GET', '/v2/', { headers: { ...headers, 'CF-Connecting-IP': address } });
}

async function fail(times: number, user: string, address: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time++) {
    statuses.push((await ask(basic(user, `wrong ${time}`), address)).status);
  }
  return statuses;
}

describe('an account', () => {
  test('forgets its failures when somebody logs in', async () => {
    const address = '192.0.2.1';
    for (let round = 0; round < 2; round++) {
      expect(await fail(FREE - 1, 'forgetful', address)).toEqual([401, 401, 401, 401]);
      expect((await ask(basic('forgetful', PASSWORD), address)).status).toBe(200);
    }
  });

  test('takes any number of logins at once where no edge tells addresses, after the first', async () => {
    const logIn = async () =>
      (await call('GET', '/v2/', { headers: basic('alone', PASSWORD) })).status;
    expect(await logIn()).toBe(200);
    expect(new Set(await Promise.all(Array.from({ length: 3 * FREE }, logIn)))).toEqual(
      new Set([200]),
    );
  });

  test('makes each failure wait twice as long, up to a quarter of an hour', async () => {
    const waits: number[] = [];
    await fail(FREE, 'slow', '192.0.2.2');
    let now = Date.now();
    for (let round = 0; round < 13; round++) {
      vi.useFakeTimers({ now, toFake: ['Date'] });
      const refused = await ask(basic('slow', PASSWORD), `198.51.100.${round}`);
      expect(refused.status).toBe(429);
      const wait = Number(refused.headers.get('Retry-After'));
      waits.push(wait);
      now += wait * 1000;
      vi.setSystemTime(now);
      expect(await fail(1, 'slow', '192.0.2.2'), `${waits}`).toEqual([401]);
    }
    expect(waits.slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
    expect(waits.slice(-2)).toEqual([900, 900]);
  });

  test('that is locked leaves its tokens alone', async () => {
    const { headers } = await createCredential('locked', 'personal');
    await fail(FREE + 1, 'locked', '192.0.2.3');
    expect((await ask(basic('locked', PASSWORD), '192.0.2.4')).status).toBe(429);
    expect((await ask(headers, '192.0.2.4')).status).toBe(200);
  });

  test('checks no more passwords than are free, however many come at once', async () => {
    const guesses = Array.from({ length: 20 }, (_, index) =>
      ask(basic('racing', index === 19 ? PASSWORD : `wrong ${index}`), `203.0.113.${index}`),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(FREE + 1);
  });

  test.each([
    ['is disabled', basic('disabled', PASSWORD)],
    ['is not there', basic('nobody-of-the-name', PASSWORD)],
    ['is a robot', basic('acme+ci', PASSWORD)],
    ['has a strange name', basic('\0\n"§ 𝕏', PASSWORD)],
    ['has a name of 40,000 letters', basic('n'.repeat(40_000), PASSWORD)],
    ['is of a workload', basic('token', PASSWORD)],
    ['comes with a token that is none', basic('oidc', 'a.b.c')],
  ])('that %s answers as one whose password is wrong', async (_title, headers) => {
    const told = async (login: HeaderMap) => {
      const response = await ask(login, '192.0.2.5');
      const text = new TextDecoder().decode(await bytesOf(response));
      return [response.status, [...response.headers], text];
    };
    const answer = await told(headers);
    expect(answer[0]).toBe(401);
    expect((await ask(basic('forgetful', PASSWORD), '192.0.2.5')).status).toBe(200);
    expect(answer).toEqual(await told(basic('forgetful', 'wrong')));
  });
});

describe('the three ways to log in count together', () => {
  test('Basic, the token endpoint and its form', async () => {
    const form = (password: string) =>
      call('POST', '/token', {
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          'CF-Connecting-IP': '192.0.2.6',
        },
        body: new URLSearchParams({
          grant_type: 'password',
          username: 'three-ways',
          password,
        }).toString(),
      });
    const get = (password: string) =>
      call('GET', '/token', {
        headers: { ...basic('three-ways', password), 'CF-Connecting-IP': '192.0.2.6' },
      });
    const api = (password: string) =>
      call('GET', '/api/v1/me', {
        headers: { ...basic('three-ways', password), 'CF-Connecting-IP': '192.0.2.6' },
      });
    const statuses = [
      (await form('1')).status,
      (await get('2')).status,
      (await api('3')).status,
      (await ask(basic('three-ways', '4'), '192.0.2.6')).status,
      (await form('5')).status,
    ];
    expect(statuses).toEqual([401, 401, 401, 401, 401]);
    for (const attempt of [form, get, api]) {
      const refused = await attempt('6');
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    }
  });
});
