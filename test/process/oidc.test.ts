/** Keyless CI: workloads of a real OIDC issuer, over HTTP, at a registry that runs as by `npm start`. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';
import { call, type HeaderMap, push, useRegistry } from '../support/client.ts';
import { randomImage } from '../support/images.ts';

const PASSWORD = 'correct horse battery staple';
const SUBJECT = 'repo:acme/app:ref:refs/heads/main';
const PUSH = 'repository:work/app:pull,push';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';

let state: string;
let registry: LocalRegistry;
let issuer: OAuth2Server;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-oidc-'));
  registry = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state,
    log: 'off',
    adminPassword: PASSWORD,
  });
  useRegistry(registry.url, (request) => fetch(request));
  issuer = await startIssuer('first', 0);
  await administer('POST', '/namespaces', { name: 'work' });
  await trust('main');
});

afterAll(async () => {
  await issuer.stop();
  await registry.stop();
  await rm(state, { recursive: true, force: true });
});

async function startIssuer(keyId: string, port: number): Promise<OAuth2Server> {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256', { kid: keyId });
  await server.start(port, '127.0.0.1');
  return server;
}

function basic(username: string, password: string): HeaderMap {
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

async function administer(method: string, path: string, body?: object): Promise<void> {
  const response = await call(method, `/api/v1${path}`, {
    headers: { ...basic('admin', PASSWORD), 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.ok, await response.text()).toBe(true);
}

/** Lets the jobs of the branch main push. */
function trust(name: string, url = issuer.issuer.url): Promise<void> {
  return administer('POST', '/namespaces/work/trust-rules', {
    name,
    issuer: url,
    audience: 'edgewater',
    claims: { sub: 'repo:acme/app:ref:**' },
    grants: [{ repositories: 'work/app', actions: ['pull', 'push'] }],
  });
}

/** An identity token, as a CI job gets it. */
function identityToken(change: object = {}): Promise<string> {
  return issuer.issuer.buildToken({
    scopesOrTransform: (_header, payload) => {
      Object.assign(payload, { aud: 'edgewater', sub: SUBJECT, ...change });
    },
  });
}

function logIn(token: string, more = ''): Promise<Response> {
  const path = `/token?service=${new URL(registry.url).host}&scope=${PUSH}${more}`;
  return call('GET', path, { headers: basic('oidc', token) });
}

function post(form: Record<string, string>): Promise<Response> {
  return call('POST', '/token', {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ service: new URL(registry.url).host, ...form }).toString(),
  });
}

interface TokenAnswer {
  access_token: string;
  scope: string;
  refresh_token?: string;
  issued_token_type?: string;
}

async function granted(response: Response): Promise<TokenAnswer> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const answer = JSON.parse(text) as TokenAnswer;
  expect(answer.scope).toBe(PUSH);
  return answer;
}

/** Pushes an image with an access token, and pulls its manifest. */
async function expectPush({ access_token }: TokenAnswer): Promise<void> {
  const image = randomImage();
  const Authorization = `Bearer ${access_token}`;
  useRegistry(registry.url, (request) => {
    request.headers.set('Authorization', Authorization);
    return fetch(request);
  });
  try {
    await push('work/app', image, 'v1');
    expect((await call('HEAD', '/v2/work/app/manifests/v1')).status).toBe(200);
    expect((await call('POST', '/v2/work/other/blobs/uploads/')).status).toBe(401);
  } finally {
    useRegistry(registry.url, (request) => fetch(request));
  }
}

describe('a CI job', () => {
  test('logs in with its identity token and pushes', async () => {
    await expectPush(await granted(await logIn(await identityToken())));
  });

  test('goes on when the issuer changes its key', async () => {
    await granted(await logIn(await identityToken()));
    const { port } = issuer.address();
    await issuer.stop();
    issuer = await startIssuer('second', port);
    await expectPush(await granted(await logIn(await identityToken())));
  });

  test('exchanges its identity token for an access token (RFC 8693)', async () => {
    const answer = await granted(
      await post({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await identityToken(),
        subject_token_type: TOKEN_TYPE,
        scope: PUSH,
      }),
    );
    expect(answer.issued_token_type).toBe('urn:ietf:params:oauth:token-type:access_token');
    await expectPush(answer);
  });

  test('pushes with its identity token itself, without a token of the registry', async () => {
    const headers = basic('oidc', await identityToken());
    const path = '/v2/work/app/blobs/uploads/';
    expect((await call('POST', path, { headers })).status).toBe(202);
    expect((await call('POST', '/v2/work/other/blobs/uploads/', { headers })).status).toBe(401);
  });

  test('gets a temporary credential, which pulls', async () => {
    const response = await call('POST', '/api/v1/credentials', {
      headers: { ...basic('oidc', await identityToken()), 'Content-Type': 'application/json' },
      body: JSON.stringify({ grants: [{ repositories: 'work/app', actions: ['pull'] }] }),
    });
    const { username, password } = (await response.json()) as Record<string, string>;
    const headers = basic(username ?? '', password ?? '');
    expect((await call('GET', '/v2/work/app/tags/list', { headers })).status).toBe(200);
    expect((await call('POST', '/v2/work/app/blobs/uploads/', { headers })).status).toBe(401);
  });

  test('is refused for another subject, another audience or when it comes late', async () => {
    for (const change of [
      { sub: 'repo:evil/app:ref:refs/heads/main' },
      { aud: 'elsewhere' },
      { exp: Math.floor(Date.now() / 1000) - 60 },
    ]) {
      expect((await logIn(await identityToken(change))).status).toBe(401);
    }
    await granted(await logIn(await identityToken()));
  });

  test('loses its refresh token when the trust rule is deleted', async () => {
    const { refresh_token = '' } = await granted(
      await logIn(await identityToken(), '&offline_token=true&client_id=test'),
    );
    const refresh = () => post({ grant_type: 'refresh_token', refresh_token, scope: PUSH });
    await expectPush(await granted(await refresh()));
    await administer('DELETE', '/namespaces/work/trust-rules/main');
    expect((await refresh()).status).toBe(401);
    expect((await logIn(await identityToken())).status).toBe(401);
  });
});

describe('an issuer', () => {
  test('that stops within its answer costs five seconds, then 503 at once', async () => {
    const { iss, close } = await listen((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.write('{');
    });
    await trust('slow', iss);
    const start = Date.now();
    expect((await logIn(await identityToken({ iss }))).status).toBe(503);
    const answered = Date.now();
    expect(answered - start).toBeLessThan(7000);
    expect((await logIn(await identityToken({ iss }))).status).toBe(503);
    expect(Date.now() - answered).toBeLessThan(1000);
    close();
  });

  test('that redirects is not followed', async () => {
    const asked: string[] = [];
    const { iss, close } = await listen(({ url = '' }, response) => {
      asked.push(url);
      response.writeHead(302, { Location: '/elsewhere' }).end();
    });
    await trust('redirecting', iss);
    expect((await logIn(await identityToken({ iss }))).status).toBe(503);
    expect(asked).toEqual(['/.well-known/openid-configuration']);
    close();
  });
});

async function listen(answer: RequestListener): Promise<{ iss: string; close: () => void }> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { iss: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
