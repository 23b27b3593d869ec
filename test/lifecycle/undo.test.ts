/** What was deleted or moved comes back: manifests with all that hangs on them, and tags. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { ADMIN, call as api, audited } from '../admin/api.ts';
import { bytesOf, call, newRepository, push, pushManifest } from '../support/client.ts';
import { askedDuring } from '../support/counting.ts';
import { artifactOf, indexOf, randomImage, type TestManifest } from '../support/images.ts';
import { expectBlob, expectNoOrphans, newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

afterEach(expectNoOrphans);

const remove = (repository: string, reference: string) =>
  call('DELETE', `/v2/${repository}/manifests/${reference}`);

const path = (repository: string, rest: string) =>
  `/repositories/${encodeURIComponent(repository)}/${rest}`;

const restoreManifest = (repository: string, { digest }: { digest: string }, body = {}) =>
  api(ADMIN, 'POST', path(repository, `deleted-manifests/${digest}/restore`), { body });

const restoreTag = (repository: string, tag: string, body = {}) =>
  api(ADMIN, 'POST', path(repository, `tags/${tag}/restore`), { body });

async function history(repository: string, tag: string): Promise<(string | null)[]> {
  const { json } = await api(ADMIN, 'GET', path(repository, `tags/${tag}/history`));
  return json.changes.map((change: { digest: string | null }) => change.digest);
}

async function digestOfTag(repository: string, tag: string): Promise<string | null> {
  const { headers } = await call('HEAD', `/v2/${repository}/manifests/${tag}`);
  return headers.get('Docker-Content-Digest');
}

/** Asserts that a manifest is there byte by byte, with its blobs. */
async function expectWhole(repository: string, manifest: TestManifest): Promise<void> {
  const answer = await call('GET', `/v2/${repository}/manifests/${manifest.digest}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('Content-Type')).toBe(manifest.mediaType);
  expect(Buffer.compare(await bytesOf(answer), manifest.bytes)).toBe(0);
  for (const blob of manifest.blobs) {
    await expectBlob(repository, blob);
  }
}

describe('the history of a tag', () => {
  test('has every way in which it moves', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first, 'v1');
    await push(repository, second);
    await pushManifest(repository, second, `${second.digest}?tag=v1`);
    await pushManifest(repository, second, 'v1');
    await remove(repository, 'v1');
    await pushManifest(repository, first, 'v1');
    await remove(repository, first.digest);
    expect(await history(repository, 'v1')).toEqual([
      null,
      first.digest,
      null,
      second.digest,
      first.digest,
    ]);
    const { json } = await api(ADMIN, 'GET', path(repository, 'tags/v1/history?limit=2'));
    expect(json.changes).toMatchObject([
      { digest: null, previous: first.digest, principal: 'anonymous', manifest: null },
      { digest: first.digest, previous: null, manifest: 'deleted' },
    ]);
    const rest = await api(
      ADMIN,
      'GET',
      path(repository, `tags/v1/history?limit=2&after=${json.next}`),
    );
    expect(rest.json.changes).toMatchObject([{ digest: null }, { manifest: 'present' }]);
  });

  test('has what the collector took, as tags follow a subject', async () => {
    const repository = newRepository();
    const [image, signature] = [randomImage(), randomImage()];
    const tag = `${image.digest.replace(':', '-')}.sig`;
    await push(repository, image, 'v1');
    await push(repository, signature, tag);
    await remove(repository, image.digest);
    await wait(2 * DAY);
    await collect(newStores());
    expect(await history(repository, tag)).toEqual([null, signature.digest]);
    const { json } = await restoreManifest(repository, image);
    expect(json.manifests.sort()).toEqual([image.digest, signature.digest].sort());
    expect(json.tags.sort()).toEqual([tag, 'v1'].sort());
    await expectWhole(repository, signature);
    expect(await digestOfTag(repository, tag)).toBe(signature.digest);
  });

  test('goes with the audit log, but for what is needed to tell what tags name', async () => {
    const repository = newRepository();
    const images = [randomImage(), randomImage(), randomImage()];
    for (const image of images) {
      await push(repository, image, 'v1');
    }
    const ids = await query(
      'SELECT id FROM audit WHERE repository = ?1 AND target = ?2',
      repository,
      'v1',
    );
    await env.DB.batch([
      env.DB.prepare('DROP TRIGGER audit_is_kept'),
      env.DB.prepare('DELETE FROM audit WHERE id = ?1').bind(ids[1]),
    ]);
    expect(await history(repository, 'v1')).toEqual([images[2]?.digest, images[1]?.digest]);
    await env.DB.prepare('DELETE FROM audit WHERE id = ?1').bind(ids[2]).run();
    expect(await history(repository, 'v1')).toEqual([images[2]?.digest]);
  });
});

describe('restore', () => {
  test('a tag, to what it named before, at a time and to a digest', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first, 'v1');
    await wait(1000);
    await push(repository, second, 'v1');
    expect((await restoreTag(repository, 'v1')).json).toMatchObject({ digest: first.digest });
    expect(await digestOfTag(repository, 'v1')).toBe(first.digest);
    await restoreTag(repository, 'v1', { digest: second.digest });
    const at = new Date(Date.now() - 500_000).toISOString();
    await restoreTag(repository, 'v1', { at });
    await restoreTag(repository, 'v1', { at });
    expect(await history(repository, 'v1')).toHaveLength(5);
    expect(await digestOfTag(repository, 'v1')).toBe(first.digest);
    const other = randomImage();
    await push(repository, other, 'v2');
    expect((await restoreTag(repository, 'v1', { digest: other.digest })).status).toBe(404);
    expect((await restoreTag(repository, 'v2', { at: '2001-01-01T00:00Z' })).status).toBe(404);
    expect((await restoreTag(repository, 'v2', { at, digest: other.digest })).status).toBe(400);
  });

  test('a move is undone by the same again; what made the tag is not, and the answer says how', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first, 'v1');
    await push(repository, second, 'v1');
    await restoreTag(repository, 'v1');
    expect((await restoreTag(repository, 'v1')).json).toMatchObject({ digest: second.digest });
    await remove(repository, 'v1');
    await restoreTag(repository, 'v1');
    const refused = await restoreTag(repository, 'v1');
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toBe(
      'the last change of the tag v1 made it, or brought it back: delete the tag to undo that, or ' +
        'name a time or a digest of its history',
    );
    expect(await digestOfTag(repository, 'v1')).toBe(second.digest);
  });

  test('a tag whose manifest was deleted and whose blobs were unlinked', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'v1');
    await remove(repository, image.digest);
    await wait(5 * DAY);
    await collect(newStores());
    expect(
      await query(
        'SELECT digest FROM repository_blobs WHERE digest = ?1',
        image.blobs[0]?.digest ?? '',
      ),
    ).toEqual([]);
    const deleted = await api(ADMIN, 'GET', path(repository, 'deleted-tags'));
    expect(deleted.json.tags).toMatchObject([
      { name: 'v1', digest: image.digest, manifest: 'deleted' },
    ]);
    const { json } = await restoreTag(repository, 'v1');
    expect(json).toEqual({ digest: image.digest, manifests: [image.digest], tags: ['v1'] });
    await expectWhole(repository, image);
    await wait(5 * DAY);
    await collect(newStores());
    await expectWhole(repository, image);
    expect((await audited('manifest.restore')).at(-1)).toMatchObject({ target: image.digest });
  });

  test('an index with its children, and what refers to each of them', async () => {
    const repository = newRepository();
    const children = [randomImage(), randomImage()];
    const inner = indexOf(children.slice(0, 1));
    const index = indexOf([inner, children[1] as TestManifest]);
    const referrers = [artifactOf('a/sbom', index), artifactOf('a/sbom', children[0] ?? null)];
    for (const manifest of [...children, inner, index, ...referrers]) {
      await push(repository, manifest);
    }
    await pushManifest(repository, index, 'v1');
    for (const manifest of [index, inner, ...children, ...referrers]) {
      expect((await remove(repository, manifest.digest)).status).toBe(202);
    }
    const { json } = await restoreManifest(repository, index);
    expect(json.tags).toEqual(['v1']);
    expect(json.manifests).toHaveLength(6);
    for (const manifest of [...children, inner, index, ...referrers]) {
      await expectWhole(repository, manifest);
    }
    expect(
      await query(
        'SELECT digest FROM deleted_manifests WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1)',
        repository,
      ),
    ).toEqual([]);
  });

  test('a manifest above 1 MB, its bytes and its time', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(1_500_000) } });
    await push(repository, image, 'v1');
    const pushedAt = () => query('SELECT pushed_at FROM manifests WHERE digest = ?1', image.digest);
    const before = await pushedAt();
    await remove(repository, image.digest);
    await restoreManifest(repository, image, { withTags: false });
    expect(await pushedAt()).toEqual(before);
    expect(await digestOfTag(repository, 'v1')).toBeNull();
    await expectWhole(repository, image);
  });

  test('all the tags that named it, however many', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    const tags = Array.from({ length: 120 }, (_, number) => `v${number}`);
    for (let start = 0; start < tags.length; start += 40) {
      const some = tags.slice(start, start + 40).map((tag) => `tag=${tag}`);
      await pushManifest(repository, image, `${image.digest}?${some.join('&')}`);
    }
    await remove(repository, image.digest);
    const { json } = await restoreManifest(repository, image);
    expect(json.tags.sort()).toEqual(tags.sort());
    const list = await call('GET', `/v2/${repository}/tags/list`);
    expect(await list.json()).toMatchObject({ tags: tags.sort() });
  });

  test('the tags of one that was pushed again meanwhile, but for those that name something', async () => {
    const repository = newRepository();
    const [image, other] = [randomImage(), randomImage()];
    await push(repository, image, 'v1');
    await push(repository, image, 'v2');
    await remove(repository, image.digest);
    await push(repository, image);
    await push(repository, other, 'v2');
    const { json } = await restoreManifest(repository, image);
    expect(json).toMatchObject({ manifests: [], tags: ['v1'] });
    expect(await digestOfTag(repository, 'v1')).toBe(image.digest);
    expect(await digestOfTag(repository, 'v2')).toBe(other.digest);
  });

  test('many signed manifests at once, with as few statements as one', async () => {
    const repository = newRepository();
    const children = Array.from({ length: 20 }, () => randomImage());
    const tags = children.map(({ digest }) => `${digest.replace(':', '-')}.sig`);
    for (const child of children) {
      const signature = randomImage();
      await push(repository, child);
      await push(repository, signature, `${child.digest.replace(':', '-')}.sig`);
      await remove(repository, signature.digest);
    }
    const index = indexOf(children);
    await push(repository, index, 'v1');
    for (const { digest } of [index, ...children]) {
      await remove(repository, digest);
    }
    await query('UPDATE deleted_manifests SET deleted_at = 1');
    const asked = await askedDuring(async () => {
      const { json } = await restoreManifest(repository, index);
      expect(json.tags.toSorted()).toEqual([...tags, 'v1'].toSorted());
    });
    expect(asked).toBeLessThan(30);
    expect(await digestOfTag(repository, tags[0] ?? '')).not.toBeNull();
  });

  test('tags that follow it by their name, and not those that look alike', async () => {
    const repository = newRepository();
    const [image, signature, other] = [randomImage(), randomImage(), randomImage()];
    const follower = image.digest.replace(':', '-');
    await push(repository, image, 'v1');
    await push(repository, signature, `${follower}.sig`);
    await push(repository, other, `${follower}-foo`);
    for (const { digest } of [image, signature, other]) {
      await remove(repository, digest);
    }
    const { json } = await restoreManifest(repository, image);
    expect(json.tags.toSorted()).toEqual([`${follower}.sig`, 'v1']);
  });

  test('an index as long as it was promised, also when the days became fewer', async () => {
    const repository = newRepository();
    const [namespace] = repository.split('/');
    const child = randomImage();
    const index = indexOf([child]);
    await push(repository, child);
    await push(repository, index, 'v1');
    const days = (restore_days: number) =>
      query(
        'UPDATE namespaces SET restore_days = ?1 WHERE name = ?2',
        restore_days,
        namespace ?? '',
      );
    await days(90);
    await remove(repository, index.digest);
    await days(1);
    await remove(repository, child.digest);
    await wait(80 * DAY);
    await collect(newStores());
    expect((await restoreManifest(repository, index)).status).toBe(200);
    await expectWhole(repository, child);
  });

  test('not what is purged, or too old, and an index not without its children', async () => {
    const repository = newRepository();
    const child = randomImage();
    const index = indexOf([child]);
    await push(repository, child);
    await push(repository, index, 'v1');
    await remove(repository, index.digest);
    await remove(repository, child.digest);
    const list = await api(ADMIN, 'GET', path(repository, 'deleted-manifests'));
    expect(list.json.manifests).toContainEqual(
      expect.objectContaining({ digest: index.digest, tags: ['v1'], mediaType: index.mediaType }),
    );
    const purge = () => api(ADMIN, 'DELETE', path(repository, `deleted-manifests/${child.digest}`));
    expect([(await purge()).status, (await purge()).status]).toEqual([204, 404]);
    const refused = await restoreManifest(repository, index);
    expect([refused.status, refused.json.code]).toEqual([409, 'RESTORE_REFUSED']);
    const all = await api(ADMIN, 'DELETE', path(repository, 'deleted-manifests'));
    expect(all.json).toEqual({ purged: 1, hasMore: false });
    expect((await restoreManifest(repository, index)).status).toBe(404);
    expect((await restoreTag(repository, 'v1')).status).toBe(404);
  });
});

describe('races', () => {
  async function deleted(): Promise<{ repository: string; image: TestManifest }> {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'v1');
    await remove(repository, image.digest);
    return { repository, image };
  }

  test('restored many times at once: once', async () => {
    const { repository, image } = await deleted();
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => restoreManifest(repository, image)),
      ...Array.from({ length: 4 }, () => restoreTag(repository, 'v1', { digest: image.digest })),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(answers.filter(({ json }) => json.manifests.length > 0)).toHaveLength(1);
    expect(await history(repository, 'v1')).toEqual([image.digest, null, image.digest]);
    await expectWhole(repository, image);
  });

  test('while somebody pushes the same', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(1_100_000) } });
    await push(repository, image, 'v1');
    await remove(repository, image.digest);
    const [restored, pushed] = await Promise.all([
      restoreManifest(repository, image),
      pushManifest(repository, image, 'v2'),
    ]);
    expect([restored.status, pushed.status]).toEqual([200, 201]);
    await expectWhole(repository, image);
    expect(await digestOfTag(repository, 'v2')).toBe(image.digest);
  });

  test('while the collector expires it: there with all, or refused', async () => {
    const { repository, image } = await deleted();
    await wait(14 * DAY - 1);
    await wait(1);
    const [restored] = await Promise.all([
      restoreManifest(repository, image),
      collect(newStores()),
      collect(newStores()),
    ]);
    expect(restored.status).toBe(404);
    await push(repository, image, 'v1');
    await expectWhole(repository, image);
  });
});
