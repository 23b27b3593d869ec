/** The keys of OIDC issuers: when they are fetched, and that nobody can empty what is known. */
import { type FlattenedJWSInput, jwtVerify } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { isTrustworthy, keysOf } from '../../src/auth/jwks.ts';
import { newKey, requests, sign, startInternet, TestIssuer, type TestKey } from './issuer.ts';

const MINUTE = 60_000; // milliseconds
let key: TestKey;

beforeAll(async () => {
  key = await newKey('one');
});

beforeEach(() => {
  startInternet();
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function later(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds });
}

/** True when a token of the key is verified by what is known of the issuer. */
async function isKnown(issuer: TestIssuer, { id, ...rest }: TestKey): Promise<boolean> {
  const keys = await keysOf(issuer.url, id, false);
  return jwtVerify(await sign({ id, ...rest }, {}), keys).then(
    () => true,
    () => false,
  );
}

async function expectUnavailable(issuer: TestIssuer): Promise<void> {
  await expect(keysOf(issuer.url, 'one', false)).rejects.toMatchObject({ error: 'UNAVAILABLE' });
}

describe('keysOf: fetching', () => {
  test('keys are fetched once in ten minutes', async () => {
    const issuer = new TestIssuer([key]);
    expect(await isKnown(issuer, key)).toBe(true);
    expect(await isKnown(issuer, key)).toBe(true);
    expect(requests).toEqual([issuer.discoveryUrl, issuer.keysUrl]);
    later(11 * MINUTE);
    expect(await isKnown(issuer, key)).toBe(true);
    expect(issuer.fetches).toBe(2);
  });

  test('many requests at once make one fetch, and all of them get the keys', async () => {
    const issuer = new TestIssuer([key]);
    const answers = await Promise.all(Array.from({ length: 50 }, () => isKnown(issuer, key)));
    expect(answers.every((known) => known)).toBe(true);
    expect(issuer.fetches).toBe(1);
  });

  test('an issuer with a slash at its end has one document', async () => {
    const issuer = new TestIssuer([key]);
    issuer.discovery = { issuer: `${issuer.url}/`, jwks_uri: issuer.keysUrl };
    await keysOf(`${issuer.url}/`, 'one', false);
    expect(requests).toEqual([issuer.discoveryUrl, issuer.keysUrl]);
  });

  test('of 100 issuers the one that was not used for the longest is forgotten', async () => {
    const issuers = Array.from({ length: 101 }, () => new TestIssuer([key]));
    const [first, second] = issuers;
    for (const issuer of issuers.slice(0, 100)) {
      await keysOf(issuer.url, 'one', false);
    }
    await keysOf(first?.url ?? '', 'one', false);
    await keysOf(issuers[100]?.url ?? '', 'one', false);
    await keysOf(first?.url ?? '', 'one', false);
    await keysOf(second?.url ?? '', 'one', false);
    expect([first?.fetches, second?.fetches]).toEqual([1, 2]);
  });
});

describe('keysOf: unknown keys (CVE-2026-48524)', () => {
  test('a key that is new is fetched at once; the old one goes when it is withdrawn', async () => {
    const issuer = new TestIssuer([key]);
    const next = await newKey('two');
    expect(await isKnown(issuer, key)).toBe(true);
    issuer.keys = [next];
    expect(await isKnown(issuer, next)).toBe(true);
    expect(await isKnown(issuer, key)).toBe(false);
  });

  test('a thousand unknown keys fetch twice, and the known one works all along', async () => {
    const issuer = new TestIssuer([key]);
    expect(await isKnown(issuer, key)).toBe(true);
    for (let count = 0; count < 1000; count++) {
      await keysOf(issuer.url, `unknown-${count}`, false);
    }
    expect(await isKnown(issuer, key)).toBe(true);
    expect(issuer.fetches).toBe(2);
    later(31_000);
    await keysOf(issuer.url, 'unknown', false);
    expect(issuer.fetches).toBe(3);
  });

  test('a known key does not wait for the fetch of an unknown one', async () => {
    const issuer = new TestIssuer([key]);
    await keysOf(issuer.url, 'one', false);
    const { promise, resolve } = Promise.withResolvers<Response>();
    issuer.answer(issuer.discoveryUrl, () => promise);
    const unknown = keysOf(issuer.url, 'unknown', false);
    expect(await isKnown(issuer, key)).toBe(true);
    resolve(Response.json(issuer.discovery));
    await unknown;
  });

  const failures: [name: string, spoil: (issuer: TestIssuer) => void][] = [
    ['is down', (issuer) => issuer.stop()],
    ['answers 500', (issuer) => issuer.answer(issuer.keysUrl, () => text(keySet(), 500))],
    ['has no keys', (issuer) => issuer.answer(issuer.keysUrl, () => Response.json({ keys: [] }))],
    ['answers no set', (issuer) => issuer.answer(issuer.keysUrl, () => Response.json({}))],
    ['has keys of no form', (issuer) => issuer.answer(issuer.keysUrl, () => text('{"keys":[1]}'))],
    ['answers no JSON', (issuer) => issuer.answer(issuer.keysUrl, () => text('<html>'))],
    ['answers null', (issuer) => issuer.answer(issuer.discoveryUrl, () => text('null'))],
    ['answers too much', (issuer) => issuer.answer(issuer.keysUrl, () => text(tooMuch()))],
    ['redirects', (issuer) => issuer.answer(issuer.keysUrl, () => redirect())],
    [
      'calls itself otherwise',
      (issuer) => Object.assign(issuer.discovery, { issuer: 'https://b.c' }),
    ],
    [
      'keeps its keys at http',
      (issuer) => Object.assign(issuer.discovery, { jwks_uri: 'http://b.c' }),
    ],
    ['has no keys address', (issuer) => Object.assign(issuer.discovery, { jwks_uri: undefined })],
  ];

  test.each(failures)('what is known stays when the issuer %s', async (_name, spoil) => {
    const issuer = new TestIssuer([key]);
    expect(await isKnown(issuer, key)).toBe(true);
    spoil(issuer);
    await keysOf(issuer.url, 'unknown', false);
    expect(await isKnown(issuer, key)).toBe(true);
    later(11 * MINUTE);
    expect(await isKnown(issuer, key)).toBe(true);
    later(60 * MINUTE);
    expect(await isKnown(issuer, key)).toBe(true);
    expect(issuer.fetches).toBe(4);
  });

  test.each(failures)(
    'nothing is known of an issuer that %s from the start',
    async (_name, spoil) => {
      const issuer = new TestIssuer([key]);
      spoil(issuer);
      await expectUnavailable(issuer);
      await expectUnavailable(issuer);
      expect(issuer.fetches).toBe(1);
      expect(requests.filter((url) => new URL(url).hostname === 'b.c')).toEqual([]);
      issuer.discovery = { issuer: issuer.url, jwks_uri: issuer.keysUrl };
      issuer.start();
      later(6000);
      expect(await isKnown(issuer, key)).toBe(true);
    },
  );
});

describe('keysOf: keys', () => {
  test('a shared secret among the keys verifies nothing', async () => {
    const issuer = new TestIssuer([key]);
    const secret = { kty: 'oct', kid: 'secret', k: 'c2VjcmV0', alg: 'HS256' };
    issuer.answer(issuer.keysUrl, () => Response.json({ keys: [key.jwk, secret] }));
    const find = await keysOf(issuer.url, 'secret', false);
    const header = { alg: 'HS256', kid: 'secret' };
    await expect(find(header, {} as FlattenedJWSInput)).rejects.toThrow('Unsupported "alg"');
    expect(await isKnown(issuer, key)).toBe(true);
  });
});

test.each<[string, boolean, boolean]>([
  ['https://token.actions.githubusercontent.com', true, true],
  ['https://issuer.example:8443/path', true, true],
  ['http://issuer.example', false, false],
  ['ftp://issuer.example', false, false],
  ['https://user:password@issuer.example', false, false],
  ['https://intranet', false, false],
  ['https://10.0.0.1', false, false],
  ['https://0x7f.1', false, true], // 127.0.0.1
  ['https://169.254.169.254/latest', false, false],
  ['https://[::1]', false, false],
  ['https://localhost.', false, true],
  ['https://a.localhost', false, false],
  ['http://localhost:1234', false, true],
  ['http://127.0.0.1:1234', false, true],
  ['http://127.0.0.1.issuer.example', false, false],
  ['issuer.example', false, false],
  ['', false, false],
])('isTrustworthy: %s is trusted %s, and on a local registry %s', (place, remote, local) => {
  expect([isTrustworthy(place, false), isTrustworthy(place, true)]).toEqual([remote, local]);
});

function text(body: string, status = 200): Response {
  return new Response(body, { status });
}

function keySet(): string {
  return JSON.stringify({ keys: [key.jwk] });
}

function tooMuch(): string {
  return JSON.stringify({ keys: [key.jwk], more: 'x'.repeat(256 * 1024) });
}

function redirect(): Response {
  return new Response(null, { status: 302, headers: { Location: 'https://b.c' } });
}
