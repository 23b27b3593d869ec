import { beforeAll, describe, expect, test } from 'vitest';
import { call } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';

beforeAll(() => useClosedRegistry());

async function tokenFor(scope: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await call('GET', `/token?service=registry.test&scope=${scope}`, { headers });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return (JSON.parse(text) as { token: string }).token;
}

describe('the token flow', () => {
  test('without credentials everything is challenged', async () => {
    const response = await call('GET', '/v2/');
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe(
      'Bearer realm="https://registry.test/token",service="registry.test"',
    );
  });

  test('a token of the administrator pushes and pulls', async () => {
    const token = await tokenFor('repository:acme/app:pull,push', ADMIN);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await call('GET', '/v2/', { headers })).status).toBe(200);
    expect((await call('POST', '/v2/acme/app/blobs/uploads/', { headers })).status).toBe(202);
    expect((await call('POST', '/v2/acme/other/blobs/uploads/', { headers })).status).toBe(401);
  });
});
