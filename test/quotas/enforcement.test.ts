/** What a quota refuses, what it lets pass, and what it says. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { ADMIN, call as api } from '../admin/api.ts';
import { metadata } from '../support/accounts.ts';
import {
  call,
  errorsOf,
  push,
  pushBlob,
  pushManifest,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { indexOf, randomBlob, randomImage } from '../support/images.ts';
import {
  expectFull,
  expectRightUsage,
  newNamespace,
  setQuota,
  usedBytes,
} from '../support/quotas.ts';
import { expectNoOrphans, query } from '../support/storage.ts';

afterEach(async () => {
  await expectNoOrphans();
  await expectRightUsage();
});

const ACTOR = { principal: 'test', address: null };

const mount = (repository: string, digest: string, from: string) =>
  call('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${from}`);

/** As docker does: one chunk of an upload, then the digest. */
async function pushInTwo(repository: string, { bytes, digest }: ReturnType<typeof randomBlob>) {
  const location = await startUpload(repository);
  const patch = await call('PATCH', location, { body: bytes });
  return patch.ok ? call('PUT', withQuery(location, 'digest', digest)) : patch;
}

const audited = (namespace: string) =>
  query(
    `SELECT json_array(principal, target, before, after) FROM audit
     WHERE event = 'quota.warning' AND namespace = ?1 ORDER BY id`,
    namespace,
  );

describe('a quota of bytes', () => {
  test('takes what fits to the last byte, and says of what does not how full it is', async () => {
    const namespace = await newNamespace({ bytes: 1000 });
    await pushBlob(`${namespace}/app`, randomBlob(1000));
    const [error] = await errorsOf(await pushInTwo(`${namespace}/app`, randomBlob(1)));
    expect(error).toEqual({
      code: 'DENIED',
      message:
        `the namespace "${namespace}" has no room for this: it uses 1,000 of 1,000 bytes; ` +
        'delete and purge what is not needed, or ask an administrator of the registry for more',
    });
  });

  test('counts content once, whatever repositories have it', async () => {
    const namespace = await newNamespace({ bytes: 1000 });
    const blob = randomBlob(600);
    await pushBlob(`${namespace}/a`, blob);
    await pushBlob(`${namespace}/a`, blob);
    expect((await pushInTwo(`${namespace}/b`, blob)).status).toBe(201);
    expect((await mount(`${namespace}/c`, blob.digest, `${namespace}/a`)).status).toBe(201);
    expect(await usedBytes(namespace)).toBe(600);
    await call('DELETE', `/v2/${namespace}/a/blobs/${blob.digest}`);
    await call('DELETE', `/v2/${namespace}/b/blobs/${blob.digest}`);
    expect(await usedBytes(namespace)).toBe(600);
    await call('DELETE', `/v2/${namespace}/c/blobs/${blob.digest}`);
    expect(await usedBytes(namespace)).toBe(0);
  });

  test('lets a full namespace mount and push what it has, and nothing of another', async () => {
    const [full, other] = [await newNamespace(), await newNamespace()];
    const own = randomBlob(1000);
    const foreign = randomBlob(10);
    await pushBlob(`${full}/a`, own);
    await pushBlob(`${other}/a`, foreign);
    await setQuota(full, { bytes: 1000 });
    expect((await mount(`${full}/b`, own.digest, `${full}/a`)).status).toBe(201);
    await pushBlob(`${full}/c`, own);
    expect((await pushInTwo(`${full}/d`, own)).status).toBe(201);
    await expectFull(await mount(`${full}/e`, foreign.digest, `${other}/a`), /uses 1,000 of 1,000/);
    expect(await query('SELECT name FROM repositories WHERE name = ?1', `${full}/e`)).toEqual([]);
  });

  test('refuses a manifest without explaining it as one that lacks content', async () => {
    const namespace = await newNamespace();
    for (const fields of [{}, { annotations: { big: 'x'.repeat(1_500_000) } }]) {
      const image = randomImage(fields);
      for (const blob of image.blobs) {
        await pushBlob(`${namespace}/app`, blob);
      }
      await setQuota(namespace, { bytes: await usedBytes(namespace) });
      await expectFull(await pushManifest(`${namespace}/app`, image, 'latest'), /has no room/);
      await setQuota(namespace, { bytes: null });
      expect((await pushManifest(`${namespace}/app`, image, 'latest')).status).toBe(201);
    }
  });

  test('that is below what is there refuses growth, and no delete', async () => {
    const namespace = await newNamespace();
    const image = randomImage();
    await push(`${namespace}/app`, image, 'latest');
    const used = await usedBytes(namespace);
    await setQuota(namespace, { bytes: 10 });
    expect((await pushManifest(`${namespace}/app`, image, 'again')).status).toBe(201);
    await expectFull(await pushInTwo(`${namespace}/app`, randomBlob(2000)), /of 10 bytes/);
    const path = `/v2/${namespace}/app/manifests/${image.digest}`;
    expect((await call('DELETE', path)).status).toBe(202);
    expect(await usedBytes(namespace)).toBe(used); // it can be restored
    const deleted = `/repositories/${encodeURIComponent(`${namespace}/app`)}/deleted-manifests`;
    const restored = await api(ADMIN, 'POST', `${deleted}/${image.digest}/restore`, { body: {} });
    expect(restored.json).toMatchObject({ digest: image.digest });
    expect(await usedBytes(namespace)).toBe(used);
    expect((await call('DELETE', path)).status).toBe(202);
    expect((await pushManifest(`${namespace}/app`, image, 'back')).status).toBe(201);
    expect((await call('DELETE', path)).status).toBe(202);
    for (const { digest } of image.blobs) {
      await call('DELETE', `/v2/${namespace}/app/blobs/${digest}`);
    }
    expect(await usedBytes(namespace)).toBe(used);
    await env.DB.exec('UPDATE deleted_manifests SET expires_at = unixepoch()');
    await metadata.collection.expireDeleted(100);
    expect(await usedBytes(namespace)).toBe(0);
  });

  test('warns in the audit log when it is crossed upwards', async () => {
    const namespace = await newNamespace({ bytes: 1000, warningPercent: 50 });
    const blob = randomBlob(200);
    await pushBlob(`${namespace}/app`, randomBlob(400));
    expect(await audited(namespace)).toEqual([]);
    await pushBlob(`${namespace}/app`, blob);
    await pushBlob(`${namespace}/app`, randomBlob(100));
    const entry = '["quota","bytes","400","600 of 1000"]';
    expect(await audited(namespace)).toEqual([entry]);
    await call('DELETE', `/v2/${namespace}/app/blobs/${blob.digest}`);
    await call('DELETE', `/v2/${namespace}/app/blobs/${blob.digest}`);
    expect(await usedBytes(namespace)).toBe(500);
    await pushBlob(`${namespace}/app`, blob);
    expect(await audited(namespace)).toEqual([entry]); // 500 was not below
  });
});

describe('a quota of repositories', () => {
  const REFUSAL = /has no room for this: it uses 1 of 1 repositories; delete one, or ask/;

  test('refuses a push, a mount, a manifest and a repository that would be one more', async () => {
    const namespace = await newNamespace({ repositories: 1 });
    const [first, second] = [`${namespace}/first`, `${namespace}/second`];
    const blob = randomBlob(10);
    await pushBlob(first, blob);
    await pushBlob(first, randomBlob(10));
    await expectFull(await pushInTwo(second, randomBlob(10)), REFUSAL);
    await expectFull(await mount(second, blob.digest, first), REFUSAL);
    await expectFull(await pushManifest(second, indexOf([])), REFUSAL);
    await expect(metadata.repositories.create(second as never, ACTOR)).rejects.toThrow(REFUSAL);
    expect(await audited(namespace)).toEqual(['["quota","repositories","0","1 of 1"]']);
  });

  test('refuses to restore one that would be one more, with the numbers', async () => {
    const namespace = await newNamespace({ repositories: 1 });
    const [first, second] = [`${namespace}/first`, `${namespace}/second`];
    await pushBlob(first, randomBlob(10));
    const base = `/namespaces/${namespace}`;
    await api(ADMIN, 'DELETE', `${base}/repositories/${encodeURIComponent(first)}`);
    await pushBlob(second, randomBlob(10));
    const [{ id }] = (await api(ADMIN, 'GET', `${base}/deleted-repositories`)).json.repositories;
    const restore = () => api(ADMIN, 'POST', `${base}/deleted-repositories/${id}/restore`);
    const refused = await restore();
    expect([refused.status, refused.json.detail]).toEqual([403, expect.stringMatching(REFUSAL)]);
    await setQuota(namespace, { repositories: 2 });
    expect((await restore()).status).toBe(200);
  });

  test('does not count deleted ones, and counts them when they are restored', async () => {
    const namespace = await newNamespace({ repositories: 1 });
    await pushBlob(`${namespace}/first`, randomBlob(10));
    const first = `(SELECT id FROM repositories WHERE namespace = '${namespace}' ORDER BY id LIMIT 1)`;
    const setDeleted = (time: string) =>
      env.DB.exec(
        `UPDATE repositories SET deleted_at = ${time}, name = name || '-' WHERE id = ${first}`,
      );
    await setDeleted('unixepoch()');
    await setDeleted('unixepoch()');
    await expectRightUsage();
    await pushBlob(`${namespace}/second`, randomBlob(10));
    expect(await usedBytes(namespace)).toBe(20); // it is still stored
    await expect(setDeleted('NULL')).rejects.toThrow('quota of repositories exceeded');
    await setQuota(namespace, { repositories: 2 });
    await setDeleted('NULL');
  });
});
