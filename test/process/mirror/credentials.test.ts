/** Whom the credentials of a mirror are shown to, and what of them anybody else sees. */
import { beforeEach, describe, expect, test } from 'vitest';
import { expectError } from '../../support/client.ts';
import { ADMIN } from './administrator.ts';
import {
  api,
  expectBytes,
  getBlob,
  getManifest,
  image,
  layerOf,
  newMirror,
  pullImage,
  registry,
  setMirror,
  upstream,
  usePlace,
} from './place.ts';
import { type Reply, type Script, Upstream } from './upstream.ts';

usePlace();

const USERNAME = 'somebody';
const SECRET = 'dckr_pat_secret';
const LOGIN = { username: USERNAME, password: SECRET };
const BASIC = `Basic ${Buffer.from(`${USERNAME}:${SECRET}`).toString('base64')}`;

let other: Upstream; // another host

beforeEach(async () => {
  other = await Upstream.start();
  return () => other.stop();
});

/** Asks for a token of the realm, which is good for so many seconds. Each token is another. */
function bearer(realm: string): Script {
  return ({ path, authorization }) =>
    path.startsWith('/v2/') && !authorization?.startsWith('Bearer token-')
      ? {
          status: 401,
          headers: {
            'WWW-Authenticate': `Bearer realm="${realm}",service="that one",scope="repository:app:pull"`,
          },
        }
      : null;
}

let tokens = 0;
const giveToken: Script = ({ path }) => {
  if (!path.startsWith('/token')) {
    return null;
  }
  tokens += 1;
  return { body: JSON.stringify({ token: `token-${tokens}`, expires_in: 300 }) };
};

const first =
  (...scripts: Script[]): Script =>
  (seen) =>
    scripts.reduce<Reply | null>((reply, script) => reply ?? script(seen), null);

const shownTo = (host: Upstream) => host.seen.filter(({ authorization }) => authorization !== null);

test('a realm at the upstream itself is asked once, with the credentials, for all blobs', async () => {
  const wanted = image(1000, 1000, 1000);
  upstream.add('app', wanted, 'latest');
  upstream.script = first(giveToken, bearer(`${upstream.url}/token`));
  await pullImage(`${await newMirror(LOGIN)}/app`, wanted);
  const asked = upstream.seen.filter(({ path }) => path.startsWith('/token'));
  expect(asked.map(({ path, authorization }) => ({ path, authorization }))).toEqual([
    { path: '/token?service=that+one&scope=repository%3Aapp%3Apull', authorization: BASIC },
  ]);
  expect(shownTo(upstream).filter(({ authorization }) => authorization === BASIC)).toHaveLength(1);
});

test('a realm elsewhere sees nothing of them, and the refusal says what to set; then it does', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  upstream.script = bearer(`${other.url}/token`);
  other.script = giveToken;
  const mirror = await newMirror(LOGIN);
  const refused = await getManifest(`${mirror}/app`, 'latest');
  expect(await refused.clone().text()).toContain(`${other.host}: set the token host`);
  await expectError(refused, 403, 'DENIED');
  expect(other.seen).toEqual([]);
  await setMirror(mirror, { ...LOGIN, tokenHost: other.host });
  await pullImage(`${mirror}/app`, wanted);
  expect(shownTo(other)).toHaveLength(1);
});

test('without credentials a realm may be anywhere', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  upstream.script = bearer(`${other.url}/token`);
  other.script = giveToken;
  await pullImage(`${await newMirror()}/app`, wanted);
  expect(shownTo(other)).toEqual([]);
});

test('a token that the upstream takes no more is renewed', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  let good = tokens + 1;
  upstream.script = first(giveToken, ({ path, authorization }) =>
    authorization === `Bearer token-${good}`
      ? null
      : bearer(`${upstream.url}/token`)({ method: '', path, authorization: null, range: null }),
  );
  const repository = `${await newMirror(LOGIN)}/app`;
  await expectBytes(await getManifest(repository, 'latest'), wanted);
  good = tokens + 1;
  await expectBytes(await getBlob(repository, layerOf(wanted)), layerOf(wanted));
  expect(upstream.asked('/token')).toHaveLength(2);
});

test.each<[string, Reply, number]>([
  ['refuses the credentials', { status: 401 }, 403],
  ['fails', { status: 500 }, 503],
  ['gives no token', { body: '{"token":7}' }, 503],
  ['gives a token that no header can carry', { body: '{"token":"a\\nb"}' }, 503],
  ['gives no JSON', { body: '<html>' }, 503],
  ['gives a very long answer', { body: ' '.repeat(2_000_000) }, 503],
  ['has had enough', { status: 429, headers: { 'Retry-After': '1000' } }, 429],
])('a realm that %s', async (_what, reply, status) => {
  upstream.script = first(
    ({ path }) => (path.startsWith('/token') ? reply : null),
    bearer(`${upstream.url}/token`),
  );
  const repository = `${await newMirror(LOGIN)}/app`;
  const response = await getManifest(repository, 'latest');
  expect(response.status, await response.text()).toBe(status);
  if (status === 429) {
    const before = upstream.seen.length;
    expect((await getManifest(repository, 'other')).status).toBe(429);
    expect(upstream.seen).toHaveLength(before);
  }
});

test('Basic: the credentials go with each request, and are asked for when none are set', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  upstream.script = ({ authorization }) =>
    authorization === BASIC
      ? null
      : { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } };
  await pullImage(`${await newMirror(LOGIN)}/app`, wanted);
  const without = await getManifest(`${await newMirror()}/app`, 'latest');
  expect(await without.clone().text()).toContain('asks for credentials, and none are configured');
  await expectError(without, 403, 'DENIED');
});

test.each([301, 302, 303, 307, 308])(
  'a redirect to another host (%i) goes without them',
  async (status) => {
    const wanted = image(1000);
    upstream.add('app', wanted, 'latest');
    other.add('app', wanted);
    upstream.script = first(giveToken, bearer(`${upstream.url}/token`), ({ path }) =>
      path.includes('/blobs/') ? { status, headers: { Location: `${other.url}${path}` } } : null,
    );
    await pullImage(`${await newMirror(LOGIN)}/app`, wanted);
    expect(other.seen.length).toBe(2);
    expect(shownTo(other)).toEqual([]);
  },
);

test('a redirect of the realm to another host goes without them', async () => {
  upstream.script = first(
    ({ path }) =>
      path.startsWith('/token')
        ? { status: 307, headers: { Location: `${other.url}${path}` } }
        : null,
    bearer(`${upstream.url}/token`),
  );
  other.script = giveToken;
  await getManifest(`${await newMirror(LOGIN)}/app`, 'latest');
  expect(other.seen).toHaveLength(1);
  expect(shownTo(other)).toEqual([]);
});

test('a token that was on its way when the login changed is not used', async () => {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  const { promise: before, resolve } = Promise.withResolvers<void>();
  upstream.script = (seen) => {
    const reply = first(giveToken, bearer(`${upstream.url}/token`))(seen);
    return reply && seen.authorization === BASIC ? { ...reply, before } : reply;
  };
  const mirror = await newMirror(LOGIN);
  const early = getManifest(`${mirror}/app`, 'early');
  await expect.poll(() => shownTo(upstream)).toHaveLength(1);
  await setMirror(mirror, { ...LOGIN, password: 'another' });
  resolve();
  await early;
  upstream.seen.length = 0;
  await pullImage(`${mirror}/app`, wanted);
  const logins = upstream.seen.filter(({ path }) => path.startsWith('/token'));
  expect(logins.map(({ authorization }) => authorization)).toEqual([
    `Basic ${Buffer.from(`${USERNAME}:another`).toString('base64')}`,
  ]);
});

describe('a login that is refused', () => {
  const shownHere = () => shownTo(upstream).length;
  const noLogin: Script = ({ path, authorization }) =>
    path.startsWith('/token') && authorization === BASIC ? { status: 401 } : null;

  test('is not tried again by the next pulls, of whatever repository, until another is set', async () => {
    const wanted = image(1000);
    upstream.add('app', wanted, 'latest');
    upstream.script = first(noLogin, giveToken, bearer(`${upstream.url}/token`));
    const mirror = await newMirror(LOGIN);
    for (const path of ['app', 'app', 'other']) {
      const response = await getManifest(`${mirror}/${path}`, 'latest');
      expect(await response.clone().text()).toContain('does not accept the credentials');
      await expectError(response, 403, 'DENIED');
    }
    expect(shownHere()).toBe(1);
    await setMirror(mirror, { ...LOGIN, password: 'another' });
    await pullImage(`${mirror}/app`, wanted);
  });

  test('is not remembered when another was set meanwhile', async () => {
    const wanted = image(1000);
    upstream.add('app', wanted, 'latest');
    const { promise: before, resolve } = Promise.withResolvers<void>();
    upstream.script = first(
      (seen) => (noLogin(seen) ? { status: 401, before } : null),
      giveToken,
      bearer(`${upstream.url}/token`),
    );
    const mirror = await newMirror(LOGIN);
    const early = getManifest(`${mirror}/app`, 'early');
    await expect.poll(shownHere).toBe(1);
    await setMirror(mirror, { ...LOGIN, password: 'another' });
    resolve();
    await expectError(await early, 403, 'DENIED');
    await pullImage(`${mirror}/app`, wanted);
  });

  test('by Basic is sent twice at most', async () => {
    upstream.script = () => ({ status: 401, headers: { 'WWW-Authenticate': 'Basic' } });
    const mirror = await newMirror(LOGIN);
    for (let turn = 0; turn < 4; turn++) {
      await expectError(await getManifest(`${mirror}/app`, 'latest'), 403, 'DENIED');
    }
    expect(shownHere()).toBe(2);
  });
});

describe('the password', () => {
  test('is in no answer and no entry of the audit log', async () => {
    const mirror = await newMirror(LOGIN);
    const texts = [
      await api('PUT', `/upstreams/${mirror}`, { url: upstream.url, ...LOGIN, tagMaxAge: 7 }),
      await api('GET', `/upstreams/${mirror}`),
      await api('GET', '/upstreams'),
      await api('GET', '/audit'),
    ];
    upstream.script = () => ({ status: 401, headers: { 'WWW-Authenticate': 'Basic' } });
    const refused = await fetch(`${registry.url}/v2/${mirror}/app/manifests/latest`, {
      headers: { Authorization: ADMIN },
    });
    texts.push(await refused.text(), JSON.stringify([...refused.headers]));
    expect(texts[3]).toContain('upstream.set');
    for (const text of texts) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(BASIC.slice(6));
    }
  });

  test('does not follow the mirror to another address', async () => {
    const mirror = await newMirror(LOGIN);
    other.script = ({ authorization }) =>
      authorization === null
        ? { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }
        : { status: 404 };
    upstream.script = ({ authorization }) =>
      authorization === null
        ? { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }
        : { status: 404 };
    await getManifest(`${mirror}/app`, 'first');
    expect(shownTo(upstream)).toHaveLength(1);
    const path = `/upstreams/${mirror}`;
    await expect(api('PUT', path, { url: other.url, username: USERNAME })).rejects.toThrow(
      'give it again',
    );
    await api('PUT', path, { url: other.url });
    await getManifest(`${mirror}/app`, 'latest');
    expect(other.seen).toHaveLength(1);
    expect(shownTo(other)).toEqual([]);
  });
});
