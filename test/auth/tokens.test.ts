/** Access tokens that are not what they say, and what tokens may be used for. */
import { env } from 'cloudflare:workers';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashSecret } from '../../src/auth/secrets.ts';
import {
  createCredential,
  createUser,
  metadata,
  setRole,
  type TestLogin,
} from '../support/accounts.ts';
import { call, type HeaderMap, push } from '../support/client.ts';
import { ADMIN, basic, useClosedRegistry } from '../support/closed.ts';
import { withFaults } from '../support/faults.ts';
import { randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { bearer, fetchToken, grantedBy } from '../support/tokens.ts';

const image = randomImage();
const ACCESS = [{ type: 'repository', name: 'tokens/app', actions: ['pull', 'push', 'delete'] }];

let reader: TestLogin;
let developer: TestLogin;

beforeAll(async () => {
  await push('tokens/app', image, 'v1'); // the registry is open until it is closed
  await push('tokens/app/b', image, 'v1');
  await push('tokens/apple', image, 'v1');
  useClosedRegistry();
  reader = await createUser('tokens-reader');
  developer = await createUser('tokens-developer');
  await setRole('tokens', reader.principal, 'reader');
  await setRole('tokens', developer.principal, 'developer');
});

afterEach(() => vi.useRealTimers());

function pull(token: string, path = '/v2/tokens/app/manifests/v1'): Promise<Response> {
  return call('GET', path, { headers: { Authorization: `Bearer ${token}` } });
}

async function expectInvalid(token: string): Promise<void> {
  const response = await pull(token);
  expect(response.status).toBe(401);
  expect(response.headers.get('WWW-Authenticate')).toBe(
    'Bearer realm="https://registry.test/token",service="registry.test",' +
      'scope="repository:tokens/app:pull",error="invalid_token"',
  );
}

/** The id and the public key of the registry's own signing key. */
async function ownKey(): Promise<{ kid: string; jwk: JWK }> {
  await fetchToken('repository:tokens/app:pull', ADMIN);
  const [kid] = await query('SELECT id FROM signing_keys');
  const [jwk] = await query('SELECT public_key FROM signing_keys');
  return { kid: String(kid), jwk: JSON.parse(String(jwk)) as JWK };
}

function claims(): SignJWT {
  return new SignJWT({ access: ACCESS, networks: {} })
    .setIssuer('edgewater')
    .setAudience('registry.test')
    .setSubject('admin')
    .setIssuedAt()
    .setExpirationTime('5m');
}

describe('forged tokens', () => {
  test('A1: without a signature', async () => {
    await expectInvalid(
      new UnsecuredJWT({ access: ACCESS, networks: {} })
        .setIssuer('edgewater')
        .setAudience('registry.test')
        .setSubject('admin')
        .setExpirationTime('5m')
        .encode(),
    );
  });

  test.each(['HS256', 'hs256'])(
    'A2, A3, V26: %s with the public key as the secret',
    async (alg) => {
      const { kid, jwk } = await ownKey();
      const secret = new TextEncoder().encode(JSON.stringify(jwk));
      const token = await claims().setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
      const [, ...rest] = token.split('.');
      const header = btoa(JSON.stringify({ alg, kid })).replace(/=+$/, '');
      await expectInvalid([header, ...rest].join('.'));
    },
  );

  test('A9: an unknown kid, and none', async () => {
    const { privateKey } = await generateKeyPair('EdDSA');
    for (const kid of [crypto.randomUUID(), '__proto__', '']) {
      await expectInvalid(
        await claims().setProtectedHeader({ alg: 'EdDSA', kid }).sign(privateKey),
      );
    }
    await expectInvalid(await claims().setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey));
  });

  test('A10, V4: a key of its own in the header, under our kid', async () => {
    const { kid } = await ownKey();
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid };
    await expectInvalid(
      await claims().setProtectedHeader({ alg: 'EdDSA', kid, jwk }).sign(privateKey),
    );
  });

  test('A11, A12: keys elsewhere are not fetched', async () => {
    const { kid } = await ownKey();
    const { privateKey } = await generateKeyPair('EdDSA');
    const fetched = vi.spyOn(globalThis, 'fetch');
    const header = {
      alg: 'EdDSA',
      kid,
      jku: 'https://evil.example/keys',
      x5u: 'https://evil.example/',
    };
    await expectInvalid(await claims().setProtectedHeader(header).sign(privateKey));
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockRestore();
  });

  test('A13: two signatures in JSON', async () => {
    const token = await fetchToken('repository:tokens/app:pull', ADMIN);
    const [header, payload, signature] = token.split('.');
    const json = { payload, signatures: [{ protected: header, signature }] };
    await expectInvalid(JSON.stringify(json));
  });

  test('A14: an extension that has to be understood', async () => {
    const { kid } = await ownKey();
    const { privateKey } = await generateKeyPair('EdDSA');
    await expectInvalid(
      await claims()
        .setProtectedHeader({ alg: 'EdDSA', kid, crit: ['b64'], b64: true })
        .sign(privateKey),
    );
  });

  test('A16: a signature that is cut or changed', async () => {
    const token = await fetchToken('repository:tokens/app:pull', ADMIN);
    await expectInvalid(token.slice(0, -4));
    await expectInvalid(`${token.slice(0, -4)}AAAA`);
    const [header = '', , signature = ''] = token.split('.');
    const payload = btoa(JSON.stringify({ access: ACCESS, sub: 'admin' })).replace(/=+$/, '');
    await expectInvalid([header, payload, signature].join('.'));
  });

  test.each([
    ['A17: 64 KiB', 'a'.repeat(64 * 1024)],
    ['A18, V28: a mebibyte of dots', '.'.repeat(2 ** 20)],
    ['no token', 'x'],
    ['dots alone', '..'],
  ])('%s', async (_title, token) => {
    await expectInvalid(token);
  });
});

describe('genuine tokens', () => {
  test('A4: end after five minutes', async () => {
    const token = await fetchToken('repository:tokens/app:pull', reader.headers);
    expect((await pull(token)).status).toBe(200);
    vi.useFakeTimers({ now: Date.now() + (5 * 60 + 1) * 1000, toFake: ['Date'] });
    await expectInvalid(token);
  });

  test('A6: are for one service', async () => {
    const token = await fetchToken('repository:tokens/app:pull', reader.headers);
    const headers = { Authorization: `Bearer ${token}` };
    const response = await call('GET', 'https://other.test/v2/tokens/app/manifests/v1', {
      headers,
    });
    expect(response.status).toBe(401);
  });

  test('A33: the realm is where the request went, whatever headers say', async () => {
    const headers = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' };
    const response = await call('GET', '/v2/', { headers });
    expect(response.headers.get('WWW-Authenticate')).toContain(
      'realm="https://registry.test/token"',
    );
  });

  test('A19: are for the repository that they name, and none below or beside it', async () => {
    const token = await fetchToken('repository:tokens/app:pull', reader.headers);
    expect((await pull(token)).status).toBe(200);
    expect((await pull(token, '/v2/tokens/app/b/manifests/v1')).status).toBe(401);
    expect((await pull(token, '/v2/tokens/apple/manifests/v1')).status).toBe(401);
  });

  test.each([
    'repository:tokens/*:pull',
    'repository:.*:pull',
    'repository:*:*',
    'repository::pull',
  ])('A20: the scope %s grants nothing', async (scope) => {
    expect(grantedBy(await fetchToken(scope, ADMIN))).toEqual({});
  });

  test('A21, A22, A23, A24: grant what the principal has of what was asked', async () => {
    const scope = 'repository:tokens/app:* repository:unknown/app:pull,push';
    expect(grantedBy(await fetchToken(scope, reader.headers))).toEqual({ 'tokens/app': ['pull'] });
    expect(grantedBy(await fetchToken(scope, developer.headers))).toEqual({
      'tokens/app': ['pull', 'push'],
    });
    expect(grantedBy(await fetchToken(scope))).toEqual({}); // nobody
  });

  test('A25: an old class of repositories is a repository', async () => {
    const token = await fetchToken('repository(plugin):tokens/app:pull', reader.headers);
    expect(grantedBy(token)).toEqual({ 'tokens/app': ['pull'] });
  });

  test('A26: the catalog needs its scope, and has what may be read', async () => {
    const without = await bearer('repository:tokens/app:pull', reader.headers);
    const refused = await call('GET', '/v2/_catalog', { headers: without });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('WWW-Authenticate')).toContain(
      'scope="registry:catalog:*",error="insufficient_scope"',
    );
    const headers = await bearer('registry:catalog:*', reader.headers);
    const response = await call('GET', '/v2/_catalog', { headers });
    expect(await response.json()).toEqual({
      repositories: ['tokens/app', 'tokens/app/b', 'tokens/apple'],
    });
    const nobody = await call('GET', '/v2/_catalog', {
      headers: await bearer('registry:catalog:*'),
    });
    expect(await nobody.json()).toEqual({ repositories: [] });
  });

  test('what is asked beyond them is insufficient_scope', async () => {
    const headers = await bearer('repository:tokens/app:pull,push', reader.headers);
    const response = await call('POST', '/v2/tokens/app/blobs/uploads/', { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toContain(
      'scope="repository:tokens/app:pull,push",error="insufficient_scope"',
    );
  });
});

test('a warm pull asks the database nothing to know who asks', async () => {
  const token = await fetchToken('repository:tokens/app:pull', reader.headers);
  expect((await pull(token)).status).toBe(200);
  const asked: string[] = [];
  const count = (method: string) => {
    asked.push(method);
    return undefined;
  };
  useClosedRegistry({
    DB: withFaults(env.DB, count),
    THROTTLE: withFaults(env.THROTTLE, count),
  });
  expect((await pull(token)).status).toBe(200);
  expect(asked).toEqual(['prepare', 'bind', 'all']); // the manifest
  useClosedRegistry();
});

describe('signing keys', () => {
  test('the private key is not in the database in the clear', async () => {
    const { jwk } = await ownKey();
    const [sealed] = await query('SELECT private_key FROM signing_keys');
    expect(String(sealed)).not.toContain(jwk.x);
    await expect(importJWK(jwk, 'EdDSA')).resolves.toBeDefined();
  });

  test('another ADMIN_PASSWORD signs with another key, and both verify', async () => {
    const before = await fetchToken('repository:tokens/app:pull', reader.headers);
    useClosedRegistry({ ADMIN_PASSWORD: 'another password of the operator' });
    const after = await fetchToken('repository:tokens/app:pull', reader.headers);
    expect(after.split('.')[0]).not.toBe(before.split('.')[0]);
    expect((await pull(after)).status).toBe(200);
    expect((await pull(before)).status).toBe(200);
    useClosedRegistry();
  });

  test('rotate: a key past its 30 days signs no more, and one published signs', async () => {
    const before = await fetchToken('repository:tokens/app:pull', reader.headers);
    await env.DB.exec('UPDATE signing_keys SET created_at = created_at - 30 * 24 * 60 * 60');
    vi.useFakeTimers({ now: Date.now() + 20 * 60_000, toFake: ['Date'] }); // the isolate reads anew
    const after = await fetchToken('repository:tokens/app:pull', reader.headers);
    expect((await pull(after)).status).toBe(200);
    vi.useRealTimers();
    expect((await pull(before)).status).toBe(200);
    expect((await metadata.signingKeys.list()).length).toBeGreaterThan(1);
  });
});

describe('refresh tokens', () => {
  test.each(['a%00b', '%0A', 'caf%C3%A9', '%F0%9F%98%80'])(
    'for no client called %s',
    async (client) => {
      const path = `/token?service=registry.test&offline_token=true&client_id=${client}`;
      const response = await call('GET', path, { headers: reader.headers });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('client_id may have printable ASCII characters only');
    },
  );

  async function refreshToken(headers: HeaderMap): Promise<string | undefined> {
    const path = '/token?service=registry.test&offline_token=true&client_id=docker';
    const response = await call('GET', path, { headers });
    return ((await response.json()) as { refresh_token?: string }).refresh_token;
  }

  function refresh(token: string): Promise<Response> {
    return call('POST', '/token', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: token,
        service: 'registry.test',
        scope: 'repository:tokens/app:pull,push',
      }).toString(),
    });
  }

  test('give access tokens with the rights of now', async () => {
    const token = (await refreshToken(developer.headers)) ?? '';
    const response = await refresh(token);
    const body = (await response.json()) as { access_token: string; refresh_token: string };
    expect(grantedBy(body.access_token)).toEqual({ 'tokens/app': ['pull', 'push'] });
    expect(body.refresh_token).toBe(token);
  });

  test('A28: die with the credential that they were got with', async () => {
    const login = await createCredential(developer.principal, 'personal');
    const token = (await refreshToken(login.headers)) ?? '';
    expect((await refresh(token)).status).toBe(200);
    await env.DB.prepare('DELETE FROM credentials WHERE secret_hash = ?1')
      .bind(hashSecret(login.secret))
      .run();
    expect((await refresh(token)).status).toBe(401);
  });

  test('are not for the system administrator, and not a password', async () => {
    expect(await refreshToken(ADMIN)).toBeUndefined();
    const token = (await refreshToken(developer.headers)) ?? '';
    const response = await call('GET', '/v2/', { headers: basic(developer.principal, token) });
    expect(response.status).toBe(401);
  });

  test('a random one is refused', async () => {
    expect((await refresh('ewf_whatever')).status).toBe(401);
  });
});

describe('the OAuth 2 endpoint', () => {
  const form = (fields: Record<string, string>) =>
    call('POST', '/token', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });

  test('takes a user name and a password', async () => {
    const response = await form({
      grant_type: 'password',
      username: reader.principal,
      password: reader.secret,
      service: 'registry.test',
      client_id: 'containerd-client',
      scope: 'repository:tokens/app:pull',
      access_type: 'offline',
    });
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'repository:tokens/app:pull' });
    expect(String(body.refresh_token)).toMatch(/^ewf_/);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
  });

  test.each([
    [{}, 400],
    [{ grant_type: 'authorization_code' }, 400],
    [{ grant_type: 'password', username: 'x' }, 400],
    [{ grant_type: 'password', username: 'tokens-reader', password: 'wrong' }, 401],
  ])('refuses %j', async (fields, status) => {
    expect((await form(fields as Record<string, string>)).status).toBe(status);
  });
});
