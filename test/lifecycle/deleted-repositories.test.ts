/** Repositories that are deleted, come back, or go for good. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { drain } from '../../src/lifecycle/drain.ts';
import { ADMIN, call as api, audited } from '../admin/api.ts';
import { call, newRepository, push } from '../support/client.ts';
import { artifactOf, indexOf, randomImage, type TestManifest } from '../support/images.ts';
import { expectBlob, expectNoOrphans, keysInBucket, newStores, query } from '../support/storage.ts';
import { DAY } from '../support/wait.ts';

afterEach(expectNoOrphans);

const namespaceOf = (repository: string) => repository.split('/')[0] ?? '';

const removeRepository = (repository: string) =>
  api(
    ADMIN,
    'DELETE',
    `/namespaces/${namespaceOf(repository)}/repositories/${encodeURIComponent(repository)}`,
  );

const list = async (namespace: string) =>
  (await api(ADMIN, 'GET', `/namespaces/${namespace}/deleted-repositories`)).json.repositories;

const restore = (namespace: string, id: number) =>
  api(ADMIN, 'POST', `/namespaces/${namespace}/deleted-repositories/${id}/restore`);

const purge = (namespace: string, id: number) =>
  api(ADMIN, 'DELETE', `/namespaces/${namespace}/deleted-repositories/${id}`);

async function statusOf(path: string): Promise<number> {
  return (await call('GET', `/v2/${path}`)).status;
}

/** An index with children, a referrer and a manifest in R2, tagged. */
async function fill(repository: string): Promise<TestManifest> {
  const children = [randomImage(), randomImage({ annotations: { big: 'x'.repeat(1_100_000) } })];
  const index = indexOf(children);
  for (const manifest of [...children, artifactOf('a/sbom', index)]) {
    await push(repository, manifest);
  }
  await push(repository, index, 'v1');
  const gone = randomImage();
  await push(repository, gone, 'gone');
  await call('DELETE', `/v2/${repository}/manifests/${gone.digest}`);
  return index;
}

test('a deleted repository is not there, and comes back as it was', async () => {
  const repository = newRepository();
  const index = await fill(repository);
  expect((await removeRepository(repository)).status).toBe(204);
  expect((await removeRepository(repository)).status).toBe(404);
  for (const rest of ['tags/list', 'manifests/v1', `manifests/${index.digest}`]) {
    expect(await statusOf(`${repository}/${rest}`)).toBe(404);
  }
  const catalog = await (await call('GET', '/v2/_catalog')).json();
  expect(JSON.stringify(catalog)).not.toContain(repository);
  const listed = await api(ADMIN, 'GET', `/namespaces/${namespaceOf(repository)}/repositories`);
  expect(listed.json.repositories).toEqual([]);
  await env.DB.batch([
    env.DB.prepare('UPDATE collection_queue SET released_at = 0, review_after = 0'),
    env.DB.prepare('UPDATE repository_blobs SET lease_until = 0'),
  ]);
  expect(await collect(newStores())).toMatchObject({ manifests: 0 });
  const [{ id, name }] = await list(namespaceOf(repository));
  expect(name).toBe(repository);
  expect((await restore(namespaceOf(repository), id)).json).toEqual({ name: repository });
  expect(await statusOf(`${repository}/manifests/v1`)).toBe(200);
  expect(await statusOf(`${repository}/manifests/${index.digest}`)).toBe(200);
  expect((await audited('repository.restore')).at(-1)).toMatchObject({ repository });
});

test('a push to the name makes a new one, and the old one waits for the name', async () => {
  const repository = newRepository();
  const [old, young] = [randomImage(), randomImage()];
  const namespace = namespaceOf(repository);
  await push(repository, old, 'v1');
  await removeRepository(repository);
  await push(repository, young, 'v1');
  expect(await statusOf(`${repository}/blobs/${old.blobs[0]?.digest}`)).toBe(404);
  const { id } = (await list(namespace)).find(({ name }: { name: string }) => name === repository);
  const refused = await restore(namespace, id);
  expect([refused.status, refused.json.detail]).toEqual([
    409,
    expect.stringContaining('there is a new repository of the name'),
  ]);
  await removeRepository(repository);
  expect((await restore(namespace, id)).status).toBe(200);
  expect((await restore(namespace, id)).status).toBe(404);
  await expectBlob(repository, old.blobs[1] ?? old);
});

describe('the end', () => {
  const expire = () =>
    env.DB.prepare('UPDATE repositories SET expires_at = unixepoch() WHERE deleted_at > 0').run();

  test('the drain leaves no row and no object', async () => {
    await expire();
    await drain(newStores());
    const repository = newRepository();
    const other = newRepository();
    const shared = randomImage();
    await push(other, shared, 'v1');
    const [kept] = await query('SELECT id FROM repositories WHERE name = ?1', other);
    await fill(repository);
    await push(repository, shared, 'shared');
    const [id] = await query('SELECT id FROM repositories WHERE name = ?1', repository);
    await removeRepository(repository);
    expect(await drain(newStores())).toMatchObject({ repositories: 0, isDone: true });
    await expire();
    const runs = await Promise.all([drain(newStores()), drain(newStores())]);
    expect(runs.every(({ isDone }) => isDone)).toBe(true);
    expect(Math.max(...runs.map(({ blobs }) => blobs))).toBeGreaterThan(0);
    const tables = await query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%repository_id%'",
    );
    for (const table of tables) {
      const left = await query(
        `SELECT count(*) FROM ${table} WHERE repository_id = ?1`,
        Number(id),
      );
      expect([table, ...left]).toEqual([table, 0]);
    }
    expect(await query('SELECT id FROM repositories WHERE name LIKE ?1', '!%')).toEqual([]);
    expect((await audited('repository.collect')).at(-1)).toMatchObject({ repository });
    await env.DB.prepare('UPDATE trash SET delete_after = 0').run();
    await collect(newStores());
    const named = await query(
      'SELECT r2_key FROM blobs JOIN repository_blobs USING (digest) WHERE repository_id = ?1',
      Number(kept),
    );
    expect(await keysInBucket()).toEqual(expect.arrayContaining(named as string[]));
    await expectBlob(other, shared.blobs[0] ?? shared);
    const blobs = await query(
      `SELECT digest FROM blobs WHERE digest NOT IN (SELECT digest FROM repository_blobs)
         AND digest NOT IN (SELECT blob_digest FROM deleted_manifest_blobs)`,
    );
    expect(blobs).toEqual([]);
  });

  test('comes in batches, and a new repository with the same id keeps what it has', async () => {
    const repository = newRepository();
    const image = randomImage();
    for (let number = 0; number < 130; number++) {
      await push(repository, randomImage(), `v${number}`);
    }
    await removeRepository(repository);
    await expire();
    const { drain: steps } = newStores().metadata;
    const id = (await steps.next()) ?? 0;
    expect(await steps.takeManifests(id, 50)).toBe(false);
    expect(await drain(newStores())).toMatchObject({ repositories: 1, isDone: true });
    await push(repository, image, 'v1');
    expect(await query('SELECT id FROM repositories WHERE name = ?1', repository)).toEqual([id]);
    await steps.takeManifests(id, 50);
    await steps.takeBlobs(id, 50);
    await steps.takeRest(id, 50);
    expect(await statusOf(`${repository}/manifests/v1`)).toBe(200);
    await expectBlob(repository, image.blobs[0] ?? image);
  });

  test('comes at once when it is purged; until then the namespace stays', async () => {
    const repository = `only-deleted/${newRepository()}`;
    await push(repository, randomImage(), 'v1');
    await removeRepository(repository);
    const remove = () => api(ADMIN, 'DELETE', '/namespaces/only-deleted');
    const refused = await remove();
    expect([refused.status, refused.json.detail]).toEqual([
      409,
      expect.stringMatching(/deleted repositories.*purge/),
    ]);
    const [{ id }] = await list('only-deleted');
    expect((await purge('only-deleted', id)).status).toBe(204);
    expect((await purge('only-deleted', id)).status).toBe(404);
    expect((await restore('only-deleted', id)).status).toBe(404);
    await drain(newStores());
    expect((await remove()).status).toBe(204);
  });

  test('is as far away as the namespace is set to', async () => {
    const repository = newRepository();
    const namespace = namespaceOf(repository);
    await push(repository, randomImage(), 'v1');
    const set = (restoreDays: number) =>
      api(ADMIN, 'PATCH', `/namespaces/${namespace}`, { body: { restoreDays } });
    expect((await set(91)).status).toBe(400);
    expect((await set(90)).json).toMatchObject({ restoreDays: 90 });
    await removeRepository(repository);
    const found = (await list(namespace)).find(({ name }: { name: string }) => name === repository);
    const length = Date.parse(found.restorableUntil) - Date.parse(found.deletedAt);
    expect(length).toBe(90 * DAY * 1000);
    await set(14);
  });
});

test('a repository with an immutable tag stays', async () => {
  const repository = newRepository();
  await push(repository, randomImage(), 'v1');
  const rules = `/namespaces/${namespaceOf(repository)}/tag-rules`;
  const body = { immutable: ['v*'] };
  expect((await api(ADMIN, 'PUT', rules, { body })).status).toBe(200);
  const refused = await removeRepository(repository);
  expect(refused.status).toBe(403);
  expect(refused.json.detail).toContain('immutable');
  expect(await statusOf(`${repository}/manifests/v1`)).toBe(200);
  expect((await api(ADMIN, 'DELETE', rules)).status).toBe(204);
  expect((await removeRepository(repository)).status).toBe(204);
});
