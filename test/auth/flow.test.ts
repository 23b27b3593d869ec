/** The token flow as clients go through it: https://distribution.github.io/distribution/spec/auth/token/ */
import { beforeAll, describe, expect, test } from 'vitest';
import { createUser, setRole, type TestLogin } from '../support/accounts.ts';
import { bytesOf, call, type HeaderMap, header, withQuery } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import { OCI_MANIFEST, randomDigest, randomImage } from '../support/images.ts';
import { bearer, fetchToken, grantedBy } from '../support/tokens.ts';

let developer: TestLogin;

beforeAll(async () => {
  useClosedRegistry();
  await call('POST', '/api/v1/namespaces', {
    headers: { ...ADMIN, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'flow' }),
  });
  developer = await createUser('flow-developer');
  await setRole('flow', developer.principal, 'developer');
});

/** What a challenge says: where to fetch a token, and with which parameters. */
function readChallenge(response: Response): Record<string, string> {
  const text = header(response, 'WWW-Authenticate');
  expect(text).toMatch(/^Bearer \w+="[^"]*"(,\w+="[^"]*")*$/);
  return Object.fromEntries(
    Array.from(text.matchAll(/(\w+)="([^"]*)"/g), ([, name = '', value = '']) => [name, value]),
  );
}

/** Asks as containerd does: without a token first, then with one from where the challenge says. */
async function ask(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: HeaderMap; body?: Uint8Array } = {},
): Promise<Response> {
  const first = await call(method, path, { headers });
  expect(first.status).toBe(401);
  const { realm = '', service = '', scope = '' } = readChallenge(first);
  const fetched = await call('GET', `${realm}?${new URLSearchParams({ service, scope })}`, {
    headers: developer.headers,
  });
  const { token } = (await fetched.json()) as { token: string };
  const Authorization = `Bearer ${token}`;
  return call(method, path, { headers: { ...headers, Authorization }, ...(body && { body }) });
}

describe('challenges', () => {
  test('without credentials everything is challenged', async () => {
    const response = await call('GET', '/v2/');
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe(
      'Bearer realm="https://registry.test/token",service="registry.test"',
    );
  });

  test.each([
    ['GET', '/v2/flow/app/manifests/v1', 'repository:flow/app:pull'],
    ['HEAD', `/v2/flow/app/blobs/${randomDigest()}`, 'repository:flow/app:pull'],
    ['GET', '/v2/flow/app/tags/list', 'repository:flow/app:pull'],
    ['GET', `/v2/flow/app/referrers/${randomDigest()}`, 'repository:flow/app:pull'],
    ['POST', '/v2/flow/app/blobs/uploads/', 'repository:flow/app:pull,push'],
    ['PUT', '/v2/flow/app/manifests/v1', 'repository:flow/app:pull,push'],
    ['DELETE', '/v2/flow/app/manifests/v1', 'repository:flow/app:delete'],
    ['GET', '/v2/_catalog', 'registry:catalog:*'],
  ])('%s %s names what it takes', async (method, path, scope) => {
    const response = await call(method, path);
    expect(response.status).toBe(401);
    expect(readChallenge(response)).toEqual({
      realm: 'https://registry.test/token',
      service: 'registry.test',
      scope,
    });
  });

  test('the realm is at the host that was asked, with its port', async () => {
    const response = await call('GET', 'http://localhost:8787/v2/');
    expect(readChallenge(response)).toEqual({
      realm: 'http://localhost:8787/token',
      service: 'localhost:8787',
    });
  });
});

test('a client that follows challenges pushes an image and pulls it', async () => {
  const image = randomImage();
  for (const { bytes, digest } of image.blobs) {
    const started = await ask('POST', '/v2/flow/app/blobs/uploads/');
    expect(started.status).toBe(202);
    const location = withQuery(header(started, 'Location'), 'digest', digest);
    expect((await ask('PUT', location, { body: bytes })).status).toBe(201);
  }
  const headers = { 'Content-Type': OCI_MANIFEST };
  const put = await ask('PUT', '/v2/flow/app/manifests/v1', { headers, body: image.bytes });
  expect(put.status).toBe(201);
  const pulled = await ask('GET', '/v2/flow/app/manifests/v1');
  expect(await bytesOf(pulled)).toEqual(image.bytes);
});

describe('a token', () => {
  test('of the administrator pushes and pulls where it says, and nowhere else', async () => {
    const headers = await bearer('repository:flow/app:pull,push', ADMIN);
    expect((await call('GET', '/v2/', { headers })).status).toBe(200);
    expect((await call('POST', '/v2/flow/app/blobs/uploads/', { headers })).status).toBe(202);
    expect((await call('POST', '/v2/flow/other/blobs/uploads/', { headers })).status).toBe(401);
  });

  test('A24: has all scopes that were asked, together or apart, once each', async () => {
    const scopes = 'repository:flow/a:pull repository:flow/b:push repository:flow/a:pull,push';
    const expected = { 'flow/a': ['pull', 'push'], 'flow/b': ['push'] };
    expect(grantedBy(await fetchToken(scopes, developer.headers))).toEqual(expected);
    const path = `/token?scope=${encodeURIComponent(scopes)}`;
    const response = await call('GET', path, { headers: developer.headers });
    const { token } = (await response.json()) as { token: string };
    expect(grantedBy(token)).toEqual(expected);
  });

  test('answers with the fields that clients read, and is not stored on the way', async () => {
    const response = await call('GET', '/token?scope=repository:flow/app:pull,delete', {
      headers: developer.headers,
    });
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ expires_in: 300, scope: 'repository:flow/app:pull' });
    expect(body.access_token).toBe(body.token);
    expect(Date.parse(String(body.issued_at))).toBeCloseTo(Date.now(), -4);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
  });

  test('is not a login for the token endpoint or the JSON API', async () => {
    const headers = await bearer('repository:flow/app:pull', ADMIN);
    for (const path of ['/token', '/api/v1/me', '/api/v1/users']) {
      expect((await call('GET', path, { headers })).status).toBe(401);
    }
  });
});

describe('without an administrator', () => {
  test.each([undefined, '', 'short'])('(%j) everything is refused', async (password) => {
    useClosedRegistry({ ADMIN_PASSWORD: password as string });
    for (const path of ['/v2/', '/v2/flow/app/tags/list', '/token', '/v1/search', '/api/v1/me']) {
      for (const headers of [{}, ADMIN, developer.headers]) {
        expect((await call('GET', path, { headers })).status).toBe(403);
      }
    }
    useClosedRegistry();
  });
});
