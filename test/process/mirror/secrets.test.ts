/** What other registries are logged in to with, and what they give for it, is in no log, at its most talkative. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestManifest } from '../../support/images.ts';
import { image } from './place.ts';
import { TalkativeServer } from './talkative.ts';
import { type Reply, type Script, type Seen, Upstream } from './upstream.ts';

const SOURCE = { username: 'source', password: 'pass/of+the source' };
const TARGET = { username: 'target', password: 'pass/of+the target' };
const SIGNATURE = 'signature-of-a-redirect';
const TOKEN = 'token-of-the-upstream';

const pairOf = ({ username, password }: typeof SOURCE) =>
  Buffer.from(`${username}:${password}`).toString('base64');

let state: string;
let server: TalkativeServer;
let answers: string[]; // all that it said to those who asked
let upstream: Upstream;
let other: Upstream; // another host
let wanted: TestManifest;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'edgewater-secrets-'));
  server = await TalkativeServer.start(state);
});

afterAll(async () => {
  await server?.stop();
  await rm(state, { recursive: true, force: true });
});

beforeEach(async () => {
  answers = [];
  upstream = await Upstream.start();
  other = await Upstream.start();
  wanted = image(1000, 100_000);
  upstream.add('app', wanted, 'latest');
  other.add('app', wanted);
});

afterEach(async () => {
  await Promise.all([upstream.stop(), other.stop()]);
});

async function read(method: string, path: string, body?: object) {
  const response = await server.ask(method, path, body);
  const text = await response.text().catch(() => ''); // it broke off
  answers.push(text, JSON.stringify([...response.headers]));
  return { status: response.status, text };
}

async function setMirror(namespace: string, settings: object): Promise<void> {
  const { status, text } = await read('PUT', `/api/v1/upstreams/${namespace}`, settings);
  expect(status, text).toBe(200);
}

/** Waits for the end of the transfer that an answer names. */
async function ended({ text }: { text: string }) {
  const path = `/api/v1/transfers/${JSON.parse(text).id}`;
  const show = async () => JSON.parse((await read('GET', path)).text);
  await expect
    .poll(async () => (await show()).state, { timeout: 50_000, interval: 200 })
    .not.toBe('running');
  return show();
}

async function runImport(to: string) {
  const body = { from: 'source.test/app', to, tags: ['latest'], referrers: false };
  return ended(await read('POST', '/api/v1/transfers', body));
}

async function runPush() {
  const body = { from: 'acme/app', to: 'target.test/app', tags: ['latest'], referrers: false };
  expect((await read('PUT', '/api/v1/replications/out', body)).status).toBe(200);
  return ended(await read('POST', '/api/v1/replications/out/run', {}));
}

async function expectNoSecrets(): Promise<void> {
  const log = await server.log();
  const secrets = [SOURCE, TARGET].flatMap((login) => [
    login.password,
    encodeURIComponent(login.password),
    pairOf(login),
  ]);
  for (const secret of [...secrets, SIGNATURE, TOKEN, server.password]) {
    expect(log).not.toContain(secret);
    expect(answers.filter((text) => text.includes(secret))).toEqual([]);
  }
}

const first =
  (...scripts: Script[]): Script =>
  (seen) =>
    scripts.reduce<Reply | null>((reply, script) => reply ?? script(seen), null);

const isToken = ({ path }: Seen) => path.startsWith('/token');

const challenge = (realm: string): Reply => ({
  status: 401,
  headers: { 'WWW-Authenticate': `Bearer realm="${realm}",service="s"` },
});

const giveToken: Script = (seen) =>
  isToken(seen) ? { body: JSON.stringify({ token: TOKEN, expires_in: 300 }) } : null;

const wantToken: Script = ({ authorization }) =>
  authorization === `Bearer ${TOKEN}` ? null : challenge(`${upstream.url}/token`);

const listTags: Script = ({ path }) =>
  path.includes('/tags/list') ? { body: '{"tags":["latest"]}' } : null;

const login = first(giveToken, wantToken, listTags);

const basic: Script = ({ authorization }) =>
  authorization === null
    ? { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } }
    : null;

/** An answer that has in it all that was sent, as servers make when they are confused. */
const echo =
  (status: number): Script =>
  ({ authorization, path }) => ({
    status,
    headers: { 'X-Echo': authorization ?? '' },
    body: `${path} with ${authorization} and ${SOURCE.password}`,
  });

const refusesAll = first(giveToken, (seen) =>
  seen.authorization ? echo(403)(seen) : wantToken(seen),
);

/** Ways in which a pull of the image goes, the first of them well. */
const WAYS: Record<string, () => Script> = {
  'a redirect that is signed': () =>
    first(login, ({ path }) =>
      path.includes('/blobs/')
        ? { status: 307, headers: { Location: `${other.url}${path}?X-Signature=${SIGNATURE}` } }
        : null,
    ),
  'a redirect that leads nowhere': () =>
    first(login, () => ({
      status: 307,
      headers: { Location: `http://127.0.0.1:1/?X-Signature=${SIGNATURE}` },
    })),
  'a redirect with a password': () =>
    first(login, () => ({
      status: 307,
      headers: { Location: `http://x:${SIGNATURE}@${other.host}/` },
    })),
  'a redirect to what is no HTTP': () =>
    first(login, () => ({ status: 307, headers: { Location: `ftp://x/?${SIGNATURE}` } })),
  'a redirect to what is no URL': () =>
    first(login, () => ({ status: 307, headers: { Location: `http://[${SIGNATURE}` } })),
  'a wrong password': () => first((seen) => (isToken(seen) ? echo(401)(seen) : null), wantToken),
  'a realm that fails': () => first((seen) => (isToken(seen) ? echo(500)(seen) : null), wantToken),
  'a realm that gives no token': () =>
    first((seen) => (isToken(seen) ? echo(200)(seen) : null), wantToken),
  'a token that is not taken': () => first(giveToken, () => challenge(`${upstream.url}/token`)),
  'a foreign realm': () => () => challenge(`${other.url}/token?key=${SIGNATURE}`),
  'a challenge of an unknown kind': () => () => ({
    status: 401,
    headers: { 'WWW-Authenticate': `Digest ${SIGNATURE}` },
  }),
  'a refusal': () => refusesAll,
  'a failure': () =>
    first(giveToken, (seen) => (seen.authorization ? echo(500)(seen) : wantToken(seen))),
  'a blob that breaks off': () =>
    first(login, ({ path }) =>
      path.includes('/blobs/') ? { body: wanted.blobs[2]?.bytes ?? '', cutAfter: 50_000 } : null,
    ),
  'too many requests': () => first(login, echo(429)),
};

test('pulls, and all that goes wrong with them', async () => {
  const statuses: Record<string, number> = {};
  for (const [at, [way, script]] of Object.entries(WAYS).entries()) {
    const namespace = `mirror-${at}.test`;
    await setMirror(namespace, { url: upstream.url, ...SOURCE });
    upstream.script = script();
    statuses[way] = (await read('GET', `/v2/${namespace}/app/manifests/latest`)).status;
    for (const { digest } of wanted.blobs) {
      await read('GET', `/v2/${namespace}/app/blobs/${digest}`);
    }
  }
  await setMirror('stopped.test', { url: upstream.url, ...SOURCE });
  await upstream.stop();
  await read('GET', '/v2/stopped.test/app/manifests/latest');
  await read('GET', '/api/v1/audit');
  expect(statuses).toMatchObject({ 'a redirect that is signed': 200, 'too many requests': 429 });
  const log = await server.log();
  expect(log).toContain('/v2/mirror-0.test/app/manifests/latest');
  expect(log).toContain(`${upstream.host} did not answer`);
  await expectNoSecrets();
}, 60_000);

test('imports and pushes, and all that goes wrong with them', async () => {
  await setMirror('source.test', { url: upstream.url, ...SOURCE });
  upstream.script = login;
  expect(await runImport('acme/app')).toMatchObject({ copied: 1 });
  upstream.script = refusesAll;
  expect(await runImport('acme/refused')).toMatchObject({ state: 'failed' });

  await setMirror('target.test', { url: other.url, ...TARGET });
  const sends =
    (location: string): Script =>
    ({ method }) =>
      method === 'POST' ? { status: 202, headers: { Location: location } } : null;
  const takes: Script = ({ method }) => ({ status: method === 'HEAD' ? 404 : 201 });
  other.script = first(basic, sends(`/upload?state=${SIGNATURE}`), takes);
  expect(await runPush()).toMatchObject({ state: 'done', copied: 1 });
  for (const script of [
    sends(`http://elsewhere.test/?state=${SIGNATURE}`),
    sends(`http://[${SIGNATURE}`),
    echo(403),
  ]) {
    other.script = first(basic, script, takes);
    expect(await runPush()).toMatchObject({ state: 'failed' });
  }
  await read('GET', '/api/v1/audit');
  await expectNoSecrets();
}, 60_000);
