/** Tokens with a genuine signature and claims that are not right, and how long right ones last. */
import { SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SigningKeys } from '../../src/auth/signing-keys.ts';
import { createRobot, createUser, metadata, setRole, type TestLogin } from '../support/accounts.ts';
import { call, push } from '../support/client.ts';
import { ADMIN, ADMIN_PASSWORD, useClosedRegistry } from '../support/closed.ts';
import { randomImage } from '../support/images.ts';
import { fetchToken } from '../support/tokens.ts';

const PULL = 'repository:claims/app:pull';
const keys = new SigningKeys(metadata.signingKeys, ADMIN_PASSWORD);

let reader: TestLogin;

beforeAll(async () => {
  await push('claims/app', randomImage(), 'v1');
  useClosedRegistry();
  reader = await createUser('claims-reader');
  await setRole('claims', reader.principal, 'reader');
});

afterEach(() => vi.useRealTimers());

function pull(token: string): Promise<Response> {
  const headers = { Authorization: `Bearer ${token}` };
  return call('GET', '/v2/claims/app/manifests/v1', { headers });
}

async function expectInvalid(token: string): Promise<void> {
  const response = await pull(token);
  expect(response.status).toBe(401);
  expect(response.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
}

const seconds = () => Math.floor(Date.now() / 1000);

/** Signs claims with the registry's own key; those that are not given are right. */
async function sign(changes: Record<string, unknown>, header = {}): Promise<string> {
  const { id, key } = await keys.current();
  return new SignJWT({
    access: [{ type: 'repository', name: 'claims/app', actions: ['pull'] }],
    networks: {},
    iss: 'edgewater',
    aud: 'registry.test',
    sub: reader.principal,
    iat: seconds(),
    nbf: seconds(),
    exp: seconds() + 300,
    ...changes,
  })
    .setProtectedHeader({ alg: 'EdDSA', kid: id, typ: 'JWT', ...header })
    .sign(key, { crit: { example: true } });
}

describe('claims', () => {
  test('that are right are taken, so the refusals below are for one claim each', async () => {
    expect((await pull(await sign({}))).status).toBe(200);
  });

  test.each<[string, Record<string, unknown>]>([
    ['A4: exp in the past', { exp: seconds() - 1 }],
    ['A4: no exp', { exp: undefined }],
    ['A5: nbf in the future', { nbf: seconds() + 90 }],
    ['A6: aud of another service', { aud: 'other.test' }],
    ['A6: no aud', { aud: undefined }],
    ['A8: iss of another', { iss: 'https://registry.test' }],
    ['A8: no iss', { iss: undefined }],
    ['no sub', { sub: undefined }],
    ['access that is no list', { access: 'repository:claims/app:pull' }],
    ['no access', { access: undefined }],
  ])('%s', async (_title, changes) => {
    await expectInvalid(await sign(changes));
  });

  test('A7: aud may be a list that has ours', async () => {
    expect((await pull(await sign({ aud: ['other.test', 'registry.test'] }))).status).toBe(200);
    await expectInvalid(await sign({ aud: ['other.test'] }));
  });

  test.each(['claims/*', 'claims/**', '*', '.*', 'claims/app/', 'claims', '', '__proto__'])(
    'A20: "%s" is a name and no pattern',
    async (name) => {
      const response = await pull(
        await sign({ access: [{ type: 'repository', name, actions: ['pull', '*'] }] }),
      );
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toContain('error="insufficient_scope"');
    },
  );

  test.each([[['*']], [['PULL']], [['push']], [[]]])('A21: %j is not pull', async (actions) => {
    const token = await sign({ access: [{ type: 'repository', name: 'claims/app', actions }] });
    expect((await pull(token)).status).toBe(401);
  });

  test('A14: an extension that the header says has to be understood', async () => {
    await expectInvalid(await sign({}, { crit: ['example'], example: 1 }));
  });

  test('A15: a claim added behind the signature', async () => {
    const [header = '', payload = '', signature = ''] = (await sign({})).split('.');
    const text = Buffer.from(payload, 'base64url').toString();
    const twice = text.replace(
      /}$/,
      ',"access":[{"type":"repository","name":"claims/app","actions":["push"]}]}',
    );
    const changed = Buffer.from(twice).toString('base64url');
    await expectInvalid([header, changed, signature].join('.'));
  });
});

describe('lifetime', () => {
  test('A4: a token is good for five minutes and not for a second more', async () => {
    const token = await fetchToken(PULL, reader.headers);
    const now = Date.now();
    vi.useFakeTimers({ now: now + 298_000, toFake: ['Date'] });
    expect((await pull(token)).status).toBe(200);
    vi.setSystemTime(now + 301_000);
    await expectInvalid(token);
  });

  test('A5: an isolate whose clock is late takes a token at once', async () => {
    const token = await fetchToken(PULL, reader.headers);
    vi.useFakeTimers({ now: Date.now() - 20_000, toFake: ['Date'] });
    expect((await pull(token)).status).toBe(200);
  });

  test('A31: what is taken away gives out nothing more, and what is out lasts five minutes', async () => {
    const user = await createUser('claims-leaver');
    await setRole('claims', user.principal, 'reader');
    const robot = await createRobot('claims', 'ci', 'reader');
    const tokens = [await fetchToken(PULL, user.headers), await fetchToken(PULL, robot.headers)];
    for (const path of ['users/claims-leaver', 'namespaces/claims/robots/ci']) {
      const deleted = await call('DELETE', `/api/v1/${path}`, { headers: ADMIN });
      expect(deleted.status).toBe(204);
    }
    for (const { headers } of [user, robot]) {
      expect((await call('GET', '/token', { headers })).status).toBe(401);
      expect((await call('GET', '/v2/', { headers })).status).toBe(401);
    }
    vi.useFakeTimers({ now: Date.now() + 301_000, toFake: ['Date'] });
    for (const token of tokens) {
      await expectInvalid(token);
    }
  });

  test('A31, C3: a namespace that becomes private is so at once, but for tokens that are out', async () => {
    const setPublic = (isPublic: boolean) =>
      call('PATCH', '/api/v1/namespaces/claims', {
        headers: { ...ADMIN, 'Content-Type': 'application/json' },
        body: JSON.stringify({ isPublic }),
      });
    expect((await setPublic(true)).status).toBe(200);
    const token = await fetchToken(PULL);
    expect((await pull(token)).status).toBe(200);
    expect((await setPublic(false)).status).toBe(200);
    expect((await pull(await fetchToken(PULL))).status).toBe(401);
    vi.useFakeTimers({ now: Date.now() + 301_000, toFake: ['Date'] });
    await expectInvalid(token);
  });

  test('A32: content comes from here: nobody is sent elsewhere with the header', async () => {
    const response = await pull(await fetchToken(PULL, reader.headers));
    const { config } = (await response.json()) as { config: { digest: string } };
    const blob = await call('GET', `/v2/claims/app/blobs/${config.digest}`, {
      headers: reader.headers,
    });
    expect([blob.status, blob.headers.get('Location')]).toEqual([200, null]);
  });

  test('a token of a limited time is good no longer than its maker', async () => {
    const expiresAt = seconds() + 60;
    const user = await createUser('claims-short', { expiresAt });
    const response = await call('GET', '/token', { headers: user.headers });
    const { expires_in } = (await response.json()) as { expires_in: number };
    expect(expires_in).toBeLessThanOrEqual(60);
    expect(expires_in).toBeGreaterThan(50);
  });
});
