/** Each row of the API, and logins, while D1 or the login throttles do not answer: 503, and no more. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import worker from '../../src/index.ts';
import { EXAMPLES } from '../admin/examples.ts';
import { createNamespace, createRobot } from '../support/accounts.ts';
import { call, expectError, useRegistry } from '../support/client.ts';
import { ADMIN, closedEnv, REGISTRY } from '../support/closed.ts';
import { breakable, withoutService } from '../support/outage.ts';
import { query } from '../support/storage.ts';

const bindings = closedEnv({ THROTTLE: breakable('login throttles', env.THROTTLE) });
useRegistry(REGISTRY, (request) => worker.fetch(request as never, bindings));

/** Rows that ask the database nothing when the administrator uses them. */
const WITHOUT_DATABASE = [
  'GET /openapi.json',
  'GET /me',
  'GET /backup/copies',
  'GET /backup/copies/:copy/parts/:part',
  'GET /backup/objects/:key',
];

const digest = `sha256:${'0'.repeat(64)}`;
const given: Record<string, string> = {
  token: 'not-there',
  copy: 'not-there',
  old: digest,
  deleted: digest,
  repository: '1',
  transfer: 'not-there',
};

/** One good call of a row, as the administrator. */
function ask({ method, route, path, body }: (typeof EXAMPLES)[number]) {
  const filled = (path ?? route).replace(/\{(\w+)\}/, (_, name) => given[name] ?? '');
  return call(method, `/api/v1${filled}`, {
    headers: { ...ADMIN, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function expectUnavailable(answer: Response): Promise<void> {
  expect(answer.status, await answer.clone().text()).toBe(503);
  expect(answer.headers.get('Retry-After')).toBe('1');
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
  expect(await answer.json()).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
}

const entries = () => query('SELECT count(*) FROM audit');

describe('without D1', () => {
  test.each(EXAMPLES)('$method $route', async (example) => {
    const isIndependent = WITHOUT_DATABASE.includes(`${example.method} ${example.route}`);
    const before = await entries();
    const answer = await withoutService('D1', () => ask(example));
    if (isIndependent) {
      expect(answer.status).toBeLessThan(500);
    } else {
      await expectUnavailable(answer);
      expect(await entries()).toEqual(before);
    }
    // The password of "admin" is a secret, so what the example changes of it is refused.
    const repeated = await ask(example);
    const text = await repeated.text();
    expect(repeated.status, text).toBeLessThan(500);
    if (example.route === '/tokens' && example.method === 'POST') {
      given.token = JSON.parse(text).id;
    }
  });
});

describe('without the login throttles', () => {
  test('a password cannot be tried, the API says so', async () => {
    const answer = await withoutService('login throttles', () =>
      call('GET', '/api/v1/tokens', { headers: ADMIN }),
    );
    await expectUnavailable(answer);
  });

  test.each(['/v2/', '/token?service=registry.test', '/v2/_catalog'])(
    '%s says so',
    async (path) => {
      const answer = await withoutService('login throttles', () =>
        call('GET', path, { headers: ADMIN }),
      );
      await expectError(answer, 503, 'UNAVAILABLE');
      expect(answer.headers.get('Retry-After')).toBe('1');
    },
  );
});

test('without D1 a robot gets no token', async () => {
  await createNamespace('robots');
  const { headers } = await createRobot('robots', 'ci', 'reader');
  const get = () => call('GET', '/token?service=registry.test', { headers });
  await expectError(await withoutService('D1', get), 503, 'UNAVAILABLE');
  expect((await get()).status).toBe(200);
});
