/** Who may copy from a mirrored registry, what they are told, and whose transfers they see. */
import { beforeAll, describe, expect, test } from 'vitest';
import { MAX_OWN, MAX_RUNNING } from '../../src/storage/metadata/transfers.ts';
import { query } from '../support/storage.ts';
import { ADMIN, call, newNamespace, newUser, stores, user } from './api.ts';

const MIRROR = 'old.example.com';
const BODY = { from: `${MIRROR}/team/app`, to: 'target/app' };

beforeAll(async () => {
  for (const name of ['both', 'puller', 'pusher', 'other']) {
    await newUser(name);
  }
  const body = { url: 'https://old.example.com' };
  await call(ADMIN, 'PUT', `/upstreams/${MIRROR}`, { body });
  await newNamespace('target', { both: 'developer', pusher: 'developer', puller: 'reader' });
  for (const name of ['both', 'puller']) {
    const path = `/namespaces/${MIRROR}/members/${name}`;
    expect((await call(ADMIN, 'PUT', path, { body: { role: 'reader' } })).status).toBe(200);
  }
});

const start = (who: Parameters<typeof call>[0], body: object = BODY) =>
  call(who, 'POST', '/transfers', { body });

describe('a transfer is started by', () => {
  test.each([
    ['those who may pull the source and push to the target', user('both'), 201],
    ['administrators of the system', ADMIN, 201],
    ['nobody without a login', null, 401],
    ['nobody who may not push to the target', user('puller'), 403],
    ['nobody who may not pull the source', user('pusher'), 403],
    ['nobody without a role', user('other'), 403],
    ['no robot', user('target+ci', { kind: 'robot' }), 403],
    [
      'no credential that is limited',
      user('both', { limits: [[{ repositories: '**', actions: ['pull', 'push'] }]] }),
      403,
    ],
  ])('%s', async (_who, identity, status) => {
    expect((await start(identity)).status).toBe(status);
  });

  test('administrators alone, for all below a name', async () => {
    const all = { from: `${MIRROR}/team`, to: 'target', all: true };
    expect((await start(user('both'), all)).status).toBe(403);
    expect((await start(ADMIN, all)).status).toBe(201);
  });
});

test('what is pushed to another registry is for administrators', async () => {
  const body = { from: 'target/app', to: `${MIRROR}/copy` };
  expect((await start(user('both'), body)).status).toBe(403);
  expect((await start(ADMIN, body)).status).toBe(201);
  const put = await call(user('both'), 'PUT', '/replications/mine', { body });
  expect(put.status).toBe(403);
});

test.each(['A', 'x', 'a b', '-'])('a replication cannot be called %j', async (name) => {
  const path = `/replications/${encodeURIComponent(name)}`;
  expect((await call(ADMIN, 'PUT', path, { body: BODY })).status).toBe(400);
});

test.each([
  ['from what is no mirror', { from: 'target/other' }, 400, 'is no mirror'],
  ['from a mirror into one', { to: `${MIRROR}/copy` }, 403, 'nobody pushes to a mirror'],
  ['one tag and patterns', { tag: 'v1', tags: ['v*'] }, 400, 'errors'],
  ['another name for many', { toTag: 'v1' }, 400, 'errors'],
  ['what is no repository', { from: 'Old' }, 400, 'errors'],
  ['what is no tag', { tag: '.v1' }, 400, 'errors'],
])('%s: refused', async (_what, changes, status, words) => {
  const answer = await start(ADMIN, { ...BODY, ...changes });
  expect(answer.status, answer.text).toBe(status);
  expect(answer.text).toContain(words);
});

test('people see and cancel their own, administrators all', async () => {
  const mine = (await start(user('both'))).json.id;
  const theirs = (await start(ADMIN)).json.id;
  const seenBy = async (who: Parameters<typeof call>[0]) =>
    (await call(who, 'GET', '/transfers')).json.transfers.map(({ id }: { id: string }) => id);
  expect(await seenBy(user('both'))).toContain(mine);
  expect(await seenBy(user('both'))).not.toContain(theirs);
  expect((await seenBy(ADMIN)).slice(0, 2)).toEqual([theirs, mine]);
  expect((await call(user('both'), 'GET', `/transfers/${theirs}`)).status).toBe(404);
  expect((await call(user('both'), 'DELETE', `/transfers/${theirs}`)).status).toBe(404);
  expect((await call(user('both'), 'DELETE', `/transfers/${mine}`)).status).toBe(204);
  expect((await call(ADMIN, 'GET', `/transfers/${mine}`)).json.state).toBe('canceled');
});

test('pages go on behind the last', async () => {
  await start(ADMIN);
  await start(ADMIN);
  const first = (await call(ADMIN, 'GET', '/transfers?limit=1')).json;
  const second = (await call(ADMIN, 'GET', `/transfers?limit=1&after=${first.next}`)).json;
  expect(second.transfers[0].id).not.toBe(first.transfers[0].id);
});

test('one that could not be started waits for the clock', async () => {
  const startTransfer = () => Promise.reject(new Error('the object does not answer'));
  const { status, json } = await call(ADMIN, 'POST', '/transfers', {
    body: BODY,
    context: { startTransfer },
  });
  expect(status).toBe(201);
  const { transfers } = stores.metadata;
  expect(await transfers.silent(60)).not.toContain(json.id);
  await query('UPDATE transfers SET updated_at = updated_at - 600 WHERE id = ?1', json.id);
  expect(await transfers.silent(60)).toContain(json.id);
});

test('a short name of Docker Hub means its library', async () => {
  const body = { url: 'https://registry-1.docker.io', username: 'us', password: 'secret' };
  expect((await call(ADMIN, 'PUT', '/upstreams/docker.io', { body })).status).toBe(200);
  const { json } = await start(ADMIN, { ...BODY, from: 'docker.io/alpine' });
  expect(json.from).toBe('docker.io/library/alpine');
  const all = await start(ADMIN, { from: 'docker.io/bitnami', to: 'target', all: true });
  expect(all.json.from).toBe('docker.io/bitnami');
});

test('nobody but administrators takes the room of others', async () => {
  await query(`UPDATE transfers SET state = 'canceled' WHERE principal = 'both'`);
  for (let left = MAX_OWN; left > 0; left--) {
    expect((await start(user('both'))).status).toBe(201);
  }
  const answer = await start(user('both'));
  expect(answer.status).toBe(429);
  expect(answer.json.detail).toContain(`${MAX_OWN} of yours`);
  expect((await start(ADMIN)).status).toBe(201);
});

test('so many run at once, and no more', async () => {
  for (let left = MAX_RUNNING; left > 0; left--) {
    await start(ADMIN);
  }
  const answer = await start(ADMIN);
  expect(answer.status).toBe(429);
  expect(answer.json.detail).toContain('cancel one');
});
