/** A real OIDC issuer on this machine, whose tokens `npm start` takes once a rule trusts it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';

const PASSWORD = 'only for this test';
const AUDIENCE = 'edgewater';

const issuer = new OAuth2Server();
let registry: LocalRegistry;
let state = '';

beforeAll(async () => {
  await issuer.issuer.keys.generate('RS256');
  await issuer.start(0, '127.0.0.1');
  issuer.issuer.url = `http://127.0.0.1:${issuer.address().port}`;
  state = await mkdtemp(join(tmpdir(), 'edgewater-oidc-'));
  registry = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state,
    log: 'off',
    adminPassword: PASSWORD,
  });
  await administer('POST', 'namespaces', { name: 'work' });
  await administer('POST', 'namespaces/work/trust-rules', {
    name: 'ci',
    issuer: issuer.issuer.url,
    audience: AUDIENCE,
    claims: { repository: 'acme/app' },
    grants: [{ repositories: 'work/app', actions: ['pull', 'push'] }],
  });
}, 60_000);

afterAll(async () => {
  await registry.stop();
  await issuer.stop();
  await rm(state, { recursive: true, force: true });
});

function basic(username: string, password: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

async function administer(method: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${registry.url}/api/v1/${path}`, {
    method,
    headers: { ...basic('admin', PASSWORD), 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.ok, await response.text()).toBe(true);
}

/** An identity token of the issuer, signed with its newest key. */
function identityToken(claims: object = {}): Promise<string> {
  const keys = issuer.issuer.keys.toJSON(true);
  const kid = keys.at(-1)?.kid;
  return issuer.issuer.buildToken({
    ...(kid !== undefined && { kid }),
    scopesOrTransform: (_header, payload) =>
      Object.assign(payload, { aud: AUDIENCE, sub: 'job', repository: 'acme/app', ...claims }),
  });
}

async function start(token: string): Promise<number> {
  const url = `${registry.url}/token?scope=repository:work/app:pull,push`;
  const login = await fetch(url, { headers: basic('oidc', token) });
  if (!login.ok) {
    return login.status;
  }
  const { token: access } = (await login.json()) as { token: string };
  const response = await fetch(`${registry.url}/v2/work/app/blobs/uploads/`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${access}` },
  });
  return response.status;
}

test('a job pushes with the identity token of its issuer', async () => {
  expect(await start(await identityToken())).toBe(202);
});

test('another job does not', async () => {
  expect(await start(await identityToken({ repository: 'acme/other' }))).toBe(401);
  expect(await start(await identityToken({ aud: 'somebody else' }))).toBe(401);
});

test('the keys of the issuer change while the registry runs', async () => {
  expect(await start(await identityToken())).toBe(202);
  await issuer.issuer.keys.generate('RS256');
  // The isolate asks the issuer for unknown keys every 30 seconds.
  await expect
    .poll(async () => start(await identityToken()), { timeout: 45_000, interval: 5000 })
    .toBe(202);
  await administer('DELETE', 'namespaces/work/trust-rules/ci');
  expect(await start(await identityToken())).toBe(401);
});
