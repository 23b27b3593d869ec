/** What is sent: JSON with known fields of the right kind, and nothing else. Never a 5xx. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from '../../src/admin/routes.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { ADMIN, call, metadata, newNamespace, newUser, send } from './api.ts';
import { EXAMPLES } from './examples.ts';

beforeAll(async () => {
  await newNamespace('acme');
  const actor = { principal: 'admin', address: null };
  await metadata.repositories.create(parseRepositoryName('acme/app'), actor);
  await newUser('alice');
});

const rows = EXAMPLES.map(({ method, route, path, body }) => ({
  method,
  route,
  path: (path ?? route).replace('{token}', 'not-there'),
  body,
}));

const withBody = rows.filter(({ body }) => body !== undefined);

function request(method: string, path: string, body: BodyInit | null, type = 'application/json') {
  return new Request(`https://registry.test/api/v1${path}`, {
    method,
    body,
    headers: type === '' ? {} : { 'Content-Type': type },
  });
}

const LONG = 'x'.repeat(300);

describe.each(withBody)('$method $path', ({ method, path, body = {} }) => {
  const refused = async (sent: unknown) => {
    const answer = await call(ADMIN, method, path, { body: sent });
    expect(answer.status, JSON.stringify(sent)).toBe(400);
    return (answer.json.errors ?? []) as { pointer: string; detail: string }[];
  };

  test('a field that it does not know is refused', async () => {
    expect(await refused({ ...body, unknownField: true })).toContainEqual(
      expect.objectContaining({ pointer: '#', detail: expect.stringContaining('unknownField') }),
    );
    const polluted = `{"__proto__":{"isAdmin":true},${JSON.stringify(body).slice(1)}`;
    expect((await send(ADMIN, request(method, path, polluted))).status).toBe(400);
    await refused({ ...body, constructor: {} });
  });

  test.each(Object.keys(body))('%s: a value of another kind is refused', async (field) => {
    for (const value of [{ $ne: '' }, [[]], 1.5, -1, '\u0000', LONG]) {
      if (!isGood(path, field, value)) {
        const problems = await refused({ ...body, [field]: value });
        if (problems.length > 0) {
          expect(problems.map(({ pointer }) => pointer).join()).toContain(`#/${field}`);
        }
      }
    }
  });

  test.each([[[]], [null], ['text'], [1]])('%j is refused', async (sent) => {
    await refused(sent);
  });

  test.each([
    ['{', 400, 'application/json'],
    ['', 400, 'application/json; charset=utf-8'],
    ['[', 400, 'application/json'],
    [new Uint8Array([0x22, 0xff, 0x22]), 400, 'application/json'],
    ['['.repeat(60_000), 400, 'application/json'],
    ['{}', 415, ''],
    ['{}', 415, 'text/plain'],
    ['a=b', 415, 'application/x-www-form-urlencoded'],
    [null, 415, ''],
    [`"${'x'.repeat(64 * 1024)}"`, 413, 'application/json'],
  ])('%.20s: %i', async (sent, status, type) => {
    const answer = await send(ADMIN, request(method, path, sent, type));
    const isTaken = status === 413 && LARGE.includes(path); // and is then no good JSON for it
    expect(answer.status).toBe(isTaken ? 400 : status);
  });
});

/** Rows of a backup may be larger. */
const LARGE = ['/restore/tables/users'];

/** What of the bad values is right for some field. */
function isGood(path: string, field: string, value: unknown): boolean {
  const isOfUpstream = path.startsWith('/upstreams/') && field === 'password'; // a token of theirs
  return (field === 'current' && value === '\u0000') || (isOfUpstream && value === LONG);
}

describe('queries', () => {
  test.each(rows.filter(({ method }) => method !== 'POST'))(
    '$method $path: a parameter that it does not know, or twice, is refused',
    async ({ method, path, body }) => {
      const separator = path.includes('?') ? '&' : '?';
      const sent = { ...(body && { body }) };
      const unknown = await call(ADMIN, method, `${path}${separator}unknown=1`, sent);
      const twice = await call(ADMIN, method, `${path}${separator}limit=1&limit=1`, sent);
      expect([unknown.status, twice.status]).toEqual([400, 400]);
      expect(twice.json.errors[0].parameter).toMatch(/^(limit|)$/);
    },
  );

  test.each(['0', '1001', '-1', '1.5', '1e3', 'x', '', ' 5', '0x10', '9'.repeat(16)])(
    'limit=%s is refused',
    async (limit) => {
      const path = `/users?limit=${encodeURIComponent(limit)}`;
      expect((await call(ADMIN, 'GET', path)).status).toBe(400);
    },
  );

  test.each(['yesterday', '2026-01-01', '1', '2026-13-01T00:00:00Z'])(
    'since=%s is refused',
    async (since) => {
      expect((await call(ADMIN, 'GET', `/audit?since=${since}`)).status).toBe(400);
    },
  );
});

describe('paths', () => {
  const odd = ['%00', '%FF', '%2e%2e', '%2F', "'", '%25', 'x'.repeat(2000), '__proto__', '*', '%'];
  test.each(ROUTES.filter(({ path }) => path.includes(':')))(
    '$method $path: odd names name nothing',
    async ({ method, path, body }) => {
      const keep = path.startsWith('/api/v1/namespaces/:namespace/') ? 'acme' : null;
      for (const name of odd) {
        const filled = path
          .slice('/api/v1'.length)
          .replace(':namespace', keep ?? name)
          .replace(/:\w+/, name);
        const example = EXAMPLES.find(
          ({ method: own, route }) => own === method && `/api/v1${route}` === path,
        )?.body;
        const { status } = await call(
          ADMIN,
          method,
          filled,
          body === null ? {} : { body: example },
        );
        expect([200, 201, 204, 400, 404, 405, 409]).toContain(status);
        if (keep === null) {
          expect([400, 404, 405]).toContain(status);
        }
      }
    },
  );

  test('a path that is not there is a 404, another method a 405 with Allow', async () => {
    expect((await call(ADMIN, 'GET', '/nothing')).status).toBe(404);
    expect((await call(null, 'GET', '/nothing')).status).toBe(404);
    const wrong = await call(ADMIN, 'POST', '/namespaces/acme/members/alice', { body: {} });
    expect({ status: wrong.status, allow: wrong.headers.get('Allow') }).toEqual({
      status: 405,
      allow: 'PUT, DELETE',
    });
    const options = await call(null, 'OPTIONS', '/me');
    expect(options.headers.get('Allow')).toBe('HEAD, GET');
  });

  test('a refusal of HEAD has no body', async () => {
    const { status, text } = await call(null, 'HEAD', '/me');
    expect({ status, text }).toEqual({ status: 401, text: '' });
  });
});

test('nothing of all that made an account', async () => {
  const users = await metadata.users.list('', 100);
  expect(users.map(({ name }) => name)).toEqual(['alice']);
});
