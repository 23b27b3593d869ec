/** Workloads that log in with an identity token: which tokens are let in, and with what rights. */
import { exportSPKI, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { logInWorkload, type WorkloadLogin } from '../../src/auth/federation.ts';
import { createNamespace, metadata } from '../support/accounts.ts';
import { newKey, requests, sign, startInternet, TestIssuer, type TestKey } from './issuer.ts';

const AUDIENCE = 'registry.example';
const GRANTS = [{ repositories: 'work/app/**', actions: ['pull', 'push'] }];
const CLAIMS = { sub: 'repo:acme/app:ref:refs/heads/main', repository: 'acme/app', run: 7 };

let key: TestKey;
let stranger: TestKey;
let issuer: TestIssuer;

beforeAll(async () => {
  key = await newKey('one');
  stranger = await newKey('one');
  await createNamespace('work');
});

beforeEach(() => {
  startInternet();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  issuer = new TestIssuer([key]);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Adds a rule: its id. */
async function trust(change: Record<string, unknown> = {}): Promise<string> {
  const id = crypto.randomUUID();
  const { url = issuer.url, audience = AUDIENCE, claims = { repository: 'acme/app' } } = change;
  await metadata.trustRules.create(
    {
      id,
      namespace: 'work',
      name: id,
      issuer: String(url),
      audience: String(audience),
      claims: JSON.stringify(claims),
      grants: JSON.stringify(change.grants ?? GRANTS),
    },
    { principal: 'test', address: null },
    { event: 'test' },
  );
  return id;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** The claims of a token that is good, with changes. */
function claims(change: Record<string, unknown> = {}): JWTPayload {
  return {
    ...CLAIMS,
    iss: issuer.url,
    aud: AUDIENCE,
    iat: now(),
    exp: now() + 300,
    ...change,
  } as JWTPayload;
}

function token(change: Record<string, unknown> = {}, header: object = {}): Promise<string> {
  return sign(key, claims(change), header);
}

function logIn(text: string, allowsLocalIssuers = false): Promise<WorkloadLogin | null> {
  return logInWorkload(text, metadata, { allowsLocalIssuers });
}

async function expectIn(text: Promise<string>): Promise<void> {
  expect(await logIn(await text)).not.toBeNull();
}

describe('logInWorkload', () => {
  test('a token that fits a rule logs in until it expires', async () => {
    const rule = await trust();
    const exp = now() + 200;
    expect(await logIn(await token({ exp }))).toEqual({
      identity: {
        principal: `oidc:${new URL(issuer.url).host}:repo:acme/app:ref:refs/heads/main`,
        kind: 'workload',
        isAdmin: false,
        limits: [],
        grants: GRANTS,
        credential: null,
        trustRule: null,
        expiresAt: exp,
      },
      rules: [rule],
    });
  });

  test('all rules that match give their grants, others none', async () => {
    const rules = [await trust(), await trust({ claims: { run: '7' }, grants: [] })];
    await trust({ claims: { repository: 'acme/other' } });
    await trust({ audience: 'other' });
    const login = await logIn(await token());
    expect(login?.identity.grants).toEqual(GRANTS);
    expect(login?.rules.toSorted()).toEqual(rules.toSorted());
  });

  test.each(['RS256', 'PS384', 'ES384', 'EdDSA'])('%s is verified', async (algorithm) => {
    await trust();
    const other = await newKey('other', algorithm);
    issuer.keys.push(other);
    await expectIn(sign(other, claims()));
  });

  test('an audience among others is good', async () => {
    await trust();
    await expectIn(token({ aud: ['other', AUDIENCE] }));
  });

  test('clocks may differ by 30 seconds', async () => {
    await trust();
    await expectIn(token({ exp: now() - 25 }));
    await expectIn(token({ nbf: now() + 25 }));
    expect(await logIn(await token({ exp: now() - 35 }))).toBeNull();
  });

  test('a token without a key id is verified by the only key', async () => {
    await trust();
    await expectIn(token({}, { kid: undefined }));
  });

  test('the keys change while tokens are used', async () => {
    await trust();
    await expectIn(token());
    const next = await newKey('two');
    issuer.keys = [next];
    await expectIn(sign(next, claims()));
    expect(await logIn(await token())).toBeNull();
  });

  test('an issuer that is down keeps its workloads, and takes no new ones', async () => {
    await trust();
    await expectIn(token());
    issuer.stop();
    await expectIn(token());
    issuer = new TestIssuer([key]);
    issuer.stop();
    await trust();
    await expect(logIn(await token())).rejects.toMatchObject({ error: 'UNAVAILABLE' });
  });

  test('a thousand tokens of unknown keys do not stop the good one', async () => {
    await trust();
    await expectIn(token());
    for (let count = 0; count < 1000; count++) {
      expect(await logIn(await token({}, { kid: `unknown-${count}` }))).toBeNull();
    }
    await expectIn(token());
    expect(issuer.fetches).toBe(2);
  });
});

describe('logInWorkload: who it is', () => {
  async function principal(subject: string): Promise<string | undefined> {
    return (await logIn(await token({ sub: subject })))?.identity.principal;
  }

  test('the path of the issuer belongs to the principal', async () => {
    const host = new URL(issuer.url).host;
    issuer = new TestIssuer([key], `${issuer.url}/id/a:b`);
    await trust();
    expect(await principal('x')).toBe(`oidc:${host}/id/a%3Ab:x`);
  });

  test('long subjects that differ at the end are different principals of 255 characters', async () => {
    await trust();
    const [a, b] = [await principal(`${'x'.repeat(300)}a`), await principal(`${'x'.repeat(300)}b`)];
    expect([a?.length, b?.length]).toEqual([255, 255]);
    expect(a).not.toBe(b);
  });
});

describe('logInWorkload: tokens that are refused', () => {
  const refused: [name: string, make: () => Promise<string> | string][] = [
    ['has another audience', () => token({ aud: 'other' })],
    ['has no audience', () => token({ aud: undefined })],
    ['has audiences that are none', () => token({ aud: [7] })],
    ['is expired', () => token({ exp: now() - 60 })],
    ['never expires', () => token({ exp: undefined })],
    ['does not say when it was issued', () => token({ iat: undefined })],
    ['is not good yet', () => token({ nbf: now() + 60 })],
    ['has no subject', () => token({ sub: undefined })],
    ['has an empty subject', () => token({ sub: '' })],
    ['has a number as subject', () => token({ sub: 7 })],
    ['has a line break in its subject', () => token({ sub: 'a\nb' })],
    ['has another issuer', () => token({ iss: 'https://other.example' })],
    ['has the issuer with a slash more', () => token({ iss: `${issuer.url}/` })],
    ['has an object as issuer', () => token({ iss: { url: issuer.url } })],
    ['has no issuer', () => token({ iss: undefined })],
    ['has alg none', () => new UnsecuredJWT(claims()).encode()],
    ['is signed by another key of the same id', () => sign(stranger, claims())],
    ['brings its key', () => sign(stranger, claims(), { jwk: stranger.jwk })],
    ['says where its key is', () => sign(stranger, claims(), { jku: 'https://evil.example/keys' })],
    ['says where its chain is', () => sign(stranger, claims(), { x5u: 'https://evil.example/x' })],
    ['has a number as key id', () => token({}, { kid: 7 })],
    ['has a critical header nobody knows', () => critical()],
    ['is altered', async () => (await token()).replace(/\.[^.]+\./, `.${encode(claims())}x.`)],
    ['has another signature', async () => `${(await token()).slice(0, -6)}AAAAAA`],
    ['is cut', async () => (await token()).split('.').slice(0, 2).join('.')],
    ['has a part more', async () => `${await token()}.x`],
    ['is longer than 16 KiB', () => token({ more: 'x'.repeat(16 * 1024) })],
    ['is all dots', () => '.'.repeat(16 * 1024)],
    ['is empty', () => ''],
    ['has a payload that is no object', () => `${encode({ alg: 'ES256' })}.${encode(7)}.AAAA`],
    ['has a header that is no JSON', () => `AAAA.${encode(claims())}.AAAA`],
  ];

  test.each(refused)('one that %s', async (_name, make) => {
    await trust();
    expect(await logIn(await make())).toBeNull();
    expect(requests.filter((url) => !url.startsWith(issuer.url))).toEqual([]);
    await expectIn(token());
  });

  function encode(value: unknown): string {
    return btoa(JSON.stringify(value)).replace(/=/g, '').replace(/\+/g, '-').replace(/\//g, '_');
  }

  function critical(): Promise<string> {
    return new SignJWT(claims())
      .setProtectedHeader({ alg: 'ES256', kid: 'one', crit: ['strange'], strange: true })
      .sign(key.privateKey, { crit: { strange: true } });
  }

  test('one that is signed with the public key as a shared secret', async () => {
    await trust();
    const rsa = await newKey('rsa', 'RS256');
    issuer.keys.push(rsa);
    const publicKey = (await importJWK({ ...rsa.jwk, ext: true }, 'RS256')) as CryptoKey;
    const pem = new TextEncoder().encode(await exportSPKI(publicKey));
    const forged = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256', kid: 'rsa' })
      .sign(pem);
    expect(await logIn(forged)).toBeNull();
  });

  test('no token of an issuer that no rule names makes the registry ask anybody', async () => {
    expect(await logIn(await token())).toBeNull();
    expect(requests).toEqual([]);
  });

  test('no token of an issuer at http or an address is good, whatever the rules say', async () => {
    for (const url of ['http://issuer.example', 'https://10.0.0.1', 'http://127.0.0.1:1']) {
      issuer = new TestIssuer([key], url);
      await trust();
      expect(await logIn(await token())).toBeNull();
    }
    expect(requests).toEqual([]);
    expect(await logIn(await token(), true)).not.toBeNull(); // on somebody's own machine
  });

  test('an issuer that redirects is not followed', async () => {
    await trust();
    const headers = { Location: 'https://elsewhere.example' };
    issuer.answer(issuer.discoveryUrl, () => new Response(null, { status: 302, headers }));
    await expect(logIn(await token())).rejects.toMatchObject({ error: 'UNAVAILABLE' });
    expect(requests).toEqual([issuer.discoveryUrl]);
  });
});

describe('logInWorkload: conditions', () => {
  const cases: [conditions: object, claims: object, isIn: boolean][] = [
    [{ repository: 'acme/app' }, {}, true],
    [{ repository: 'acme/*' }, {}, true],
    [{ repository: '*' }, {}, false], // no star crosses a slash
    [{ repository: '**' }, {}, true],
    [{ repository: ['acme/other', 'acme/app'] }, {}, true],
    [{ repository: ['acme/other'] }, {}, false],
    [{ repository: [] }, {}, false],
    [{ repository: 'acme/ap' }, {}, false],
    [{ repository: 'ACME/app' }, {}, false],
    [{ repository: 'acme.app' }, {}, false],
    [{ repository: 'acme/*' }, { repository: 'acme/../app' }, false],
    [{ repository: 'acme/*' }, { repository: 'evil/acme/app' }, false],
    [{ run: '7' }, {}, true],
    [{ run: '7' }, { run: 8 }, false],
    [{ protected: 'true' }, { protected: true }, true],
    [{ protected: 'true' }, { protected: false }, false],
    [{ repository: 'acme/app', ref: 'refs/heads/main' }, {}, false], // not there
    [{ repository: 'acme/app', ref: '**' }, {}, false],
    [{ repository: 'acme/app', ref: '**' }, { ref: '' }, true],
    [{ repository: 'acme/app', ref: '**' }, { ref: null }, false],
    [{ groups: '**' }, { groups: ['a'] }, false],
    [{ groups: '**' }, { groups: { a: 1 } }, false],
    [{ constructor: '**' }, {}, false],
    [{ toString: '**' }, {}, false],
    [{}, {}, false],
  ];

  test.each(cases)('%j, with the claims %j: %s', async (conditions, change, isIn) => {
    await trust({ claims: conditions });
    expect((await logIn(await token({ ...change }))) !== null).toBe(isIn);
  });

  test('__proto__ is a claim like another', async () => {
    await trust({ claims: JSON.parse('{"__proto__": "**"}') });
    expect(await logIn(await token())).toBeNull();
  });
});
