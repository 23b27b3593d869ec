/** Where pushes make no repositories, none makes one: not with rights from before a delete either. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createNamespace, createUser, setRole, type TestLogin } from '../support/accounts.ts';
import { call, errorsOf, type HeaderMap, header, withQuery } from '../support/client.ts';
import { ADMIN, useClosedRegistry } from '../support/closed.ts';
import { indexOf, randomBlob, randomImage, type TestBlob } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { bearer } from '../support/tokens.ts';

const NAMESPACE = 'explicit';

let keeper: TestLogin;
let repository: string;
let token: HeaderMap; // of a maintainer, from before the delete
let source: TestBlob; // in a repository that the token may pull

let count = 0;

const api = (method: string, path: string, body?: unknown) =>
  call(method, `/api/v1/namespaces/${NAMESPACE}${path}`, {
    headers: { ...keeper.headers, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const start = (query = '') =>
  call('POST', `/v2/${repository}/blobs/uploads/${query}`, { headers: token });

const remove = async () =>
  expect((await api('DELETE', `/repositories/${encodeURIComponent(repository)}`)).status).toBe(204);

const put = (location: string, { bytes, digest }: TestBlob) =>
  call('PUT', withQuery(location, 'digest', digest), { headers: token, body: bytes });

/** Refused as what is not there, and nothing is there. */
async function expectNotMade(response: Response): Promise<void> {
  const [error] = await errorsOf(response);
  expect(response.status).toBe(404);
  expect(error).toMatchObject({
    code: 'NAME_UNKNOWN',
    message: expect.stringMatching(/no such repository.*repo create/),
  });
  expect(await query('SELECT id FROM repositories WHERE name = ?1', repository)).toEqual([]);
}

async function restore(): Promise<number> {
  const { repositories } = await (await api('GET', '/deleted-repositories')).json<{
    repositories: { id: number; name: string }[];
  }>();
  const { id } = repositories.find(({ name }) => name === repository) ?? {};
  return (await api('POST', `/deleted-repositories/${id}/restore`)).status;
}

beforeAll(async () => {
  useClosedRegistry();
  await createNamespace(NAMESPACE, false, false);
  keeper = await createUser('keeper');
  await setRole(NAMESPACE, keeper.principal, 'maintainer');
});

beforeEach(async () => {
  count += 1;
  repository = `${NAMESPACE}/app-${count}`;
  const other = `${NAMESPACE}/base-${count}`;
  for (const name of [repository, other]) {
    expect((await api('POST', '/repositories', { name })).status).toBe(201);
  }
  token = await bearer(
    `repository:${repository}:pull,push repository:${other}:pull,push`,
    keeper.headers,
  );
  source = randomBlob(100);
  const query = `?digest=${source.digest}`;
  const options = { headers: token, body: source.bytes };
  const pushed = await call('POST', `/v2/${other}/blobs/uploads/${query}`, options);
  expect(pushed.status).toBe(201);
});

describe('after its delete a repository is not made anew', () => {
  test('by an upload from before', async () => {
    const blob = randomBlob(100);
    const location = header(await start(), 'Location');
    await remove();
    await expectNotMade(await put(location, blob));
    expect(await restore()).toBe(200);
    expect((await put(location, blob)).status).toBe(201);
  });

  test('by an upload that begins with a token from before', async () => {
    await remove();
    const blob = randomBlob(100);
    const response = await start();
    expect(response.status).toBe(202);
    await expectNotMade(await put(header(response, 'Location'), blob));
    expect(await restore()).toBe(200);
  });

  test('by an upload in one request', async () => {
    await remove();
    const { bytes, digest } = randomBlob(100);
    await expectNotMade(
      await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, {
        headers: token,
        body: bytes,
      }),
    );
    expect(await restore()).toBe(200);
  });

  test('by a mount', async () => {
    await remove();
    await expectNotMade(await start(`?mount=${source.digest}&from=${NAMESPACE}/base-${count}`));
    expect(await restore()).toBe(200);
  });

  test.each([
    ['in D1', {}],
    ['in R2', { annotations: { big: 'x'.repeat(1_100_000) } }],
  ])('by a manifest %s', async (_where, parts) => {
    await remove();
    const { bytes, digest, mediaType } = indexOf([], parts);
    await expectNotMade(
      await call('PUT', `/v2/${repository}/manifests/${digest}`, {
        headers: { ...token, 'Content-Type': mediaType },
        body: bytes,
      }),
    );
    expect(await restore()).toBe(200);
  });
});

test('nor is one that never was, by whoever', async () => {
  repository = `${NAMESPACE}/never`;
  const { bytes, digest, mediaType } = randomImage();
  for (const headers of [keeper.headers, ADMIN]) {
    const response = await call('PUT', `/v2/${repository}/manifests/${digest}`, {
      headers: { ...headers, 'Content-Type': mediaType },
      body: bytes,
    });
    expect(response.status).toBe(401);
  }
});
