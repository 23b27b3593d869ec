/** What those who may not read learn of a private repository: nothing, not even that it is there. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createCredential,
  createNamespace,
  createUser,
  setRole,
  type TestLogin,
} from '../support/accounts.ts';
import {
  bytesOf,
  call,
  type HeaderMap,
  header,
  push,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { ADMIN, basic, useClosedRegistry } from '../support/closed.ts';
import { artifactOf, randomBlob, randomDigest, randomImage } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { bearer, fetchToken, grantedBy } from '../support/tokens.ts';

const image = randomImage();
const referrer = artifactOf('application/vnd.example.secret', image);
const [layer = randomBlob(1)] = image.blobs;
const PRIVATE = 'private/app';
const UNKNOWN = 'private/none';

let alice: TestLogin; // of the private namespace
let mallory: TestLogin; // of another one
let upload = '';

beforeAll(async () => {
  await push(PRIVATE, image, 'v1');
  await push(PRIVATE, referrer);
  await push('public/app', image, 'v1');
  upload = await startUpload(PRIVATE);
  useClosedRegistry();
  await createNamespace('mallory');
  alice = await createUser('alice');
  mallory = await createUser('mallory');
  await setRole('private', alice.principal, 'developer');
  await setRole('mallory', mallory.principal, 'admin');
  await setRole('public', '*', 'reader');
});

/** Every way to ask for something of a repository. */
const requests: [method: string, path: string, headers?: HeaderMap][] = [
  ['GET', '/manifests/v1'],
  ['HEAD', '/manifests/v1'],
  ['GET', `/manifests/${image.digest}`],
  ['GET', `/blobs/${layer.digest}`],
  ['HEAD', `/blobs/${layer.digest}`],
  ['GET', `/blobs/${layer.digest}`, { Range: 'bytes=0-9' }],
  ['GET', `/blobs/${layer.digest}`, { Range: 'bytes=999999999-' }],
  ['GET', `/blobs/${layer.digest}`, { 'If-None-Match': `"${layer.digest}"` }],
  ['GET', `/manifests/v1`, { 'If-None-Match': `"${image.digest}"` }],
  ['GET', '/tags/list'],
  ['GET', '/tags/list?n=0'],
  ['GET', `/referrers/${image.digest}`],
  ['GET', `/referrers/${image.digest}?artifactType=application/vnd.example.secret`],
  ['POST', '/blobs/uploads/'],
  ['POST', `/blobs/uploads/?mount=${layer.digest}&from=public/app`],
  ['PUT', '/manifests/v1'],
  ['DELETE', '/manifests/v1'],
  ['DELETE', `/manifests/${image.digest}`],
  ['DELETE', `/blobs/${layer.digest}`],
];

/** All that an answer tells, without the name that was asked for. */
async function toldBy(response: Response): Promise<unknown> {
  const text = new TextDecoder().decode(await bytesOf(response));
  const told = { status: response.status, headers: [...response.headers], text };
  return JSON.parse(JSON.stringify(told).replaceAll(UNKNOWN, PRIVATE));
}

describe.each(['nobody', 'a stranger'])('%s', (who) => {
  const headersOf = () => (who === 'nobody' ? {} : mallory.headers);

  test.each(requests)('V12, V21: %s %s %j', async (method, path, extra = {}) => {
    const ask = async (repository: string, headers: HeaderMap) =>
      toldBy(await call(method, `/v2/${repository}${path}`, { headers: { ...headers, ...extra } }));
    for (const isToken of [true, false]) {
      const answers = [];
      for (const repository of [PRIVATE, UNKNOWN]) {
        const headers = isToken
          ? await bearer(`repository:${repository}:pull,push,delete`, headersOf())
          : headersOf();
        answers.push(await ask(repository, headers));
      }
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ status: 401 });
    }
  });

  test('is granted nothing', async () => {
    expect(grantedBy(await fetchToken(`repository:${PRIVATE}:pull`, headersOf()))).toEqual({});
  });

  test('sees in catalog and search what is public', async () => {
    const headers = await bearer('registry:catalog:*', headersOf());
    const catalog = await call('GET', '/v2/_catalog', { headers });
    expect(await catalog.json()).toEqual({ repositories: ['public/app'] });
    const search = await call('GET', '/v1/search?q=app', { headers });
    const { results } = (await search.json()) as { results: { name: string }[] };
    expect(results.map(({ name }) => name)).toEqual(['public/app']);
    const pages = await call('GET', '/v2/_catalog?n=1&last=a', { headers });
    expect(await pages.json()).toEqual({ repositories: ['public/app'] });
    expect(pages.headers.get('Link')).toBeNull();
  });

  test('pulls what is public', async () => {
    const headers = await bearer('repository:public/app:pull', headersOf());
    const response = await call('GET', '/v2/public/app/manifests/v1', { headers });
    expect(await bytesOf(response)).toEqual(image.bytes);
  });
});

describe('mounting', () => {
  const secret = randomBlob(100);

  beforeAll(async () => {
    const headers = await bearer('repository:private/secret:pull,push', alice.headers);
    await setRole('private', alice.principal, 'developer');
    const location = header(
      await call('POST', '/v2/private/secret/blobs/uploads/', { headers }),
      'Location',
    );
    const put = withQuery(location, 'digest', secret.digest);
    const response = await call('PUT', put, { headers, body: secret.bytes });
    expect(response.status).toBe(201);
  });

  test.each([
    ['V8, V32: from where it may not read', '&from=private/secret'],
    ['V8: from anywhere', ''],
    ['from where it is not', '&from=public/app'],
  ])('%s starts an upload, as of an unknown digest', async (_title, from) => {
    const headers = await bearer(
      'repository:mallory/x:pull,push repository:private/secret:pull repository:public/app:pull',
      mallory.headers,
    );
    const start = (digest: string) =>
      call('POST', `/v2/mallory/x/blobs/uploads/?mount=${digest}${from}`, { headers });
    expect((await start(secret.digest)).status).toBe(202);
    expect((await start(randomDigest())).status).toBe(202);
    const blob = await call('HEAD', `/v2/mallory/x/blobs/${secret.digest}`, { headers });
    expect(blob.status).toBe(404);
    const direct = await call(
      'POST',
      `/v2/mallory/x/blobs/uploads/?mount=${secret.digest}${from}`,
      { headers: mallory.headers },
    );
    expect(direct.status).toBe(202);
  });

  test('A27: needs pull on the source in the same token', async () => {
    const mount = `/v2/private/mounted/blobs/uploads/?mount=${secret.digest}&from=private/secret`;
    const alone = await bearer('repository:private/mounted:pull,push', alice.headers);
    expect((await call('POST', mount, { headers: alone })).status).toBe(202);
    const both = await bearer(
      'repository:private/mounted:pull,push repository:private/secret:pull',
      alice.headers,
    );
    expect((await call('POST', mount, { headers: both })).status).toBe(201);
  });
});

describe('V14: the upload sessions of others', () => {
  test.each(['GET', 'PATCH', 'PUT', 'DELETE'])('%s', async (method) => {
    const own = upload.replace(PRIVATE, 'mallory/x');
    const path = method === 'PUT' ? `${own}?digest=${layer.digest}` : own;
    const body = method === 'PATCH' ? { body: layer.bytes } : {};
    const headers = await bearer('repository:mallory/x:pull,push,delete', mallory.headers);
    expect((await call(method, path, { headers, ...body })).status).toBe(404);
    expect((await call(method, upload, { headers, ...body })).status).toBe(401);
    expect((await call(method, upload, { headers: mallory.headers, ...body })).status).toBe(401);
    const status = await call('GET', upload, { headers: alice.headers });
    expect([status.status, status.headers.get('Range')]).toEqual([204, '0-0']);
  });
});

describe('limits and overrides', () => {
  test('V13: a limited token is limited in what is got with it', async () => {
    const limits = [[{ repositories: 'private/other', actions: ['pull' as const] }]];
    const limited = await createCredential(alice.principal, 'personal', limits);
    const scope = `repository:${PRIVATE}:pull,push`;
    expect(grantedBy(await fetchToken(scope, limited.headers))).toEqual({});
    const direct = await call('GET', `/v2/${PRIVATE}/manifests/v1`, { headers: limited.headers });
    expect(direct.status).toBe(401);
    const catalog = await call('GET', '/v2/_catalog', { headers: limited.headers });
    expect(await catalog.json()).toEqual({ repositories: [] });
  });

  test('the longest glob counts', async () => {
    const bob = await createUser('bob');
    await setRole('private', bob.principal, 'developer');
    await setRole('private', bob.principal, 'none', 'app*');
    await setRole('private', bob.principal, 'reader', 'app/ok');
    const scope = ['private/app', 'private/apple', 'private/app/ok', 'private/else']
      .map((name) => `repository:${name}:pull,push`)
      .join(' ');
    expect(grantedBy(await fetchToken(scope, bob.headers))).toEqual({
      'private/app/ok': ['pull'],
      'private/else': ['pull', 'push'],
    });
  });

  test('a namespace that makes repositories only when told refuses a push to a new one', async () => {
    await createNamespace('told', false, false);
    await setRole('told', alice.principal, 'maintainer');
    const scope = 'repository:told/new:pull,push';
    expect(grantedBy(await fetchToken(scope, alice.headers))).toEqual({ 'told/new': ['pull'] });
    await query("INSERT INTO repositories (name, namespace) VALUES ('told/new', 'told')");
    expect(grantedBy(await fetchToken(scope, alice.headers))).toEqual({
      'told/new': ['pull', 'push'],
    });
  });

  test('V5, A31: what was deleted or taken away is not read', async () => {
    const headers = await bearer('repository:public/app:pull,push,delete', ADMIN);
    const away = await call('DELETE', `/v2/public/app/manifests/${image.digest}`, { headers });
    expect(away.status).toBe(202);
    const gone = await call('DELETE', `/v2/public/app/blobs/${layer.digest}`, { headers });
    expect(gone.status).toBe(202);
    const other = await call('GET', `/v2/${PRIVATE}/blobs/${layer.digest}`, {
      headers: alice.headers,
    });
    expect(other.status).toBe(200);
    const again = await call('GET', `/v2/public/app/blobs/${layer.digest}`, { headers });
    expect(again.status).toBe(404);
    await setRole('private', alice.principal, 'none');
    expect(grantedBy(await fetchToken(`repository:${PRIVATE}:pull`, alice.headers))).toEqual({});
  });
});

describe('what was made with each other', () => {
  test('ends with its maker, and hangs on it by a few steps only', async () => {
    const user = await createUser('chained');
    let headers: HeaderMap = user.headers;
    const statuses: number[] = [];
    for (let step = 0; step < 6; step++) {
      const made = await call('POST', '/api/v1/credentials', {
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ minutes: 5 }),
      });
      statuses.push(made.status);
      if (made.status === 201) {
        const { username, password } = (await made.json()) as Record<string, string>;
        headers = basic(username ?? '', password ?? '');
      }
    }
    expect(statuses.slice(0, 3)).toEqual([201, 201, 201]);
    expect(statuses.at(-1)).toBe(404);
    const ended = await call('PATCH', '/api/v1/users/chained', {
      headers: { ...ADMIN, 'Content-Type': 'application/json' },
      body: JSON.stringify({ isDisabled: true }),
    });
    expect(ended.status).toBe(200);
    expect((await call('GET', '/v2/', { headers })).status).toBe(401);
  });

  test('rights are those of the moment when the body is there', async () => {
    const boss = await createUser('boss', { isAdmin: true });
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const late = call('POST', '/api/v1/users', {
      headers: { ...boss.headers, 'Content-Type': 'application/json' },
      body: readable,
    });
    await writer.write(new TextEncoder().encode('{"name":"backdoor",'));
    const ended = await call('PATCH', '/api/v1/users/boss', {
      headers: { ...ADMIN, 'Content-Type': 'application/json' },
      body: JSON.stringify({ isDisabled: true, isAdmin: false }),
    });
    expect(ended.status).toBe(200);
    await writer.write(new TextEncoder().encode('"password":"passwordpassword"}'));
    await writer.close();
    expect((await late).status).toBe(401);
  });

  test('a path that is cut by dots names nothing', async () => {
    await createNamespace('dotted');
    const path = '/api/v1/namespaces/dotted/trust-rules/%2e%2e';
    expect((await call('DELETE', path, { headers: ADMIN })).status).toBe(404);
    const there = await call('GET', '/api/v1/namespaces/dotted', { headers: ADMIN });
    expect(there.status).toBe(200);
  });
});
