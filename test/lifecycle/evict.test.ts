/** What goes from a mirror that has more than it may keep. */
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { evict } from '../../src/lifecycle/evict.ts';
import { call, newRepository, push, pushBlob } from '../support/client.ts';
import {
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestManifest,
} from '../support/images.ts';
import { namespaceOf, setTagRule } from '../support/retention.ts';
import { newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

const LAYER = 100_000; // bytes

afterEach(async () => {
  await query('DELETE FROM upstreams');
});

function imageOfLayer(): TestManifest {
  const [config, layer] = [randomBlob(200), randomBlob(LAYER)];
  return manifestOf(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptorOf(config, OCI_CONFIG),
      layers: [descriptorOf(layer)],
    },
    OCI_MANIFEST,
    [config, layer],
  );
}

/** A repository of a namespace that no other test uses. */
function newMirrored(): string {
  return `${newRepository().replace('/', '-')}.test/app`;
}

/** Makes a repository's namespace a mirror that may keep so much. */
async function keep(repository: string, bytes: number | null): Promise<void> {
  await query(
    `INSERT INTO upstreams (namespace, url, keep_bytes) VALUES (?1, 'https://registry.test', ?2)
     ON CONFLICT DO UPDATE SET keep_bytes = excluded.keep_bytes`,
    namespaceOf(repository),
    bytes as number,
  );
}

/** As if what is named had been pulled so many days ago, and fetched long before. */
async function pulled(repository: string, reference: string, days: number): Promise<void> {
  const id = '(SELECT id FROM repositories WHERE name = ?1)';
  await query(
    `UPDATE manifests SET pushed_at = unixepoch() - 100 * 86400 WHERE repository_id = ${id}`,
    repository,
  );
  await query(
    `INSERT INTO pulls (repository_id, reference, count, last_pulled_at)
     VALUES (${id}, ?2, 1, unixepoch() - ?3)`,
    repository,
    reference,
    days * DAY,
  );
}

async function has(repository: string, { digest }: TestManifest): Promise<boolean> {
  return (await call('HEAD', `/v2/${repository}/manifests/${digest}`)).status === 200;
}

test('the least recently pulled goes, by its tag, by its digest or by a child, and its bytes after it', async () => {
  const repository = newMirrored();
  const [byTag, byDigest, never, child] = [
    imageOfLayer(),
    imageOfLayer(),
    imageOfLayer(),
    imageOfLayer(),
  ];
  const index = indexOf([child]);
  await push(repository, byTag, 'v1');
  await push(repository, byDigest, 'v2');
  await push(repository, never, 'v3');
  await push(repository, child);
  await push(repository, index, 'v4');
  await pulled(repository, 'v1', 3);
  await pulled(repository, byDigest.digest, 2);
  await pulled(repository, child.digest, 1);
  await keep(repository, 3.5 * LAYER);
  expect(await evict(newStores())).toMatchObject({ manifests: 1 });
  expect(await has(repository, never)).toBe(false);
  expect(await evict(newStores())).toEqual({ manifests: 0, bytes: 0 });
  await keep(repository, 1.5 * LAYER);
  expect(await evict(newStores())).toMatchObject({ manifests: 2 });
  expect(await has(repository, byTag)).toBe(false);
  expect(await has(repository, byDigest)).toBe(false);
  await keep(repository, 0);
  expect(await evict(newStores())).toMatchObject({ manifests: 1 });
  expect(await has(repository, child)).toBe(false);
  await query('UPDATE deleted_manifests SET expires_at = unixepoch()');
  await collect(newStores());
  await wait(3 * DAY);
  await collect(newStores());
  const [used] = await query(
    'SELECT used_bytes FROM namespaces WHERE name = ?1',
    namespaceOf(repository),
  );
  expect(used).toBe(0);
});

test('nothing goes from a mirror without a limit', async () => {
  const repository = newMirrored();
  const image = imageOfLayer();
  await push(repository, image, 'v1');
  await keep(repository, null);
  expect(await evict(newStores())).toEqual({ manifests: 0, bytes: 0 });
  expect(await has(repository, image)).toBe(true);
});

test('what an immutable tag names stays, and nothing waits behind it', async () => {
  const repository = newMirrored();
  const [kept, other, child] = [imageOfLayer(), imageOfLayer(), imageOfLayer()];
  const index = indexOf([child]);
  await push(repository, kept, 'v1');
  await push(repository, other, 'latest');
  await push(repository, child, 'v1-amd64');
  await push(repository, index, 'edge');
  await pulled(repository, 'latest', 1);
  await setTagRule(repository, { immutable: ['v*'] });
  await keep(repository, 0);
  expect(await evict(newStores())).toMatchObject({ manifests: 2 });
  expect(await evict(newStores())).toEqual({ manifests: 0, bytes: 0 });
  const left = [kept, other, child, index].map((manifest) => has(repository, manifest));
  expect(await Promise.all(left)).toEqual([true, false, true, false]);
});

test('a mirror with which it fails keeps no other from its turn', async () => {
  const [broken, other] = [newMirrored(), newMirrored()];
  const image = imageOfLayer();
  await push(broken, imageOfLayer(), 'v1');
  await push(other, image, 'v1');
  await keep(broken, 0);
  await keep(other, 0);
  await query(
    `CREATE TRIGGER broken BEFORE DELETE ON tags WHEN OLD.repository_id = (
       SELECT id FROM repositories WHERE name = '${broken}')
     BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  );
  onTestFinished(async () => {
    await query('DROP TRIGGER broken');
  });
  const stores = newStores();
  const { evictions } = stores.metadata;
  const full = await evictions.full(10);
  full.sort(({ namespace }) => (namespace === namespaceOf(broken) ? -1 : 1));
  vi.spyOn(evictions, 'full').mockResolvedValue(full);
  await expect(evict(stores)).rejects.toThrow(AggregateError);
  expect(await has(other, image)).toBe(false);
});

describe('what goes anyway is not made room for, and no more than that', () => {
  test('a blob that another repository of the mirror needs does not go', async () => {
    const repository = newMirrored();
    const image = imageOfLayer();
    await push(repository, image, 'v1');
    for (const blob of image.blobs) {
      await pushBlob(`${namespaceOf(repository)}/other`, blob);
    }
    await keep(repository, 0.5 * LAYER);
    expect(await evict(newStores())).toMatchObject({ manifests: 1 });
  });

  test('one that no repository needs goes once, however many have it', async () => {
    const repository = newMirrored();
    const unneeded = randomBlob(LAYER);
    await push(repository, imageOfLayer(), 'v1');
    for (const name of ['one', 'two']) {
      await pushBlob(`${namespaceOf(repository)}/${name}`, unneeded);
    }
    await keep(repository, 1.5 * LAYER);
    expect(await evict(newStores())).toMatchObject({ manifests: 0 });
    await keep(repository, 0.5 * LAYER);
    expect(await evict(newStores())).toMatchObject({ manifests: 1 });
  });

  test('one that only a restore could bring back goes when that is over', async () => {
    const repository = newMirrored();
    await push(repository, imageOfLayer(), 'v1');
    await push(repository, imageOfLayer(), 'v2');
    await query('UPDATE namespaces SET restore_days = 14 WHERE name = ?1', namespaceOf(repository));
    await keep(repository, 1.5 * LAYER);
    expect(await evict(newStores())).toMatchObject({ manifests: 1 });
    await wait(3 * DAY);
    await collect(newStores());
    const links = await query(
      `SELECT count(*) FROM repository_blobs JOIN repositories ON repositories.id = repository_id
       WHERE name = ?1`,
      repository,
    );
    expect(links).toEqual([2]); // the other image's
    expect(await evict(newStores())).toEqual({ manifests: 0, bytes: 0 });
  });
});

test('whatever goes is in the audit log', async () => {
  const repository = newMirrored();
  const [child, tagged] = [imageOfLayer(), imageOfLayer()];
  const index = indexOf([child, tagged]);
  await push(repository, child);
  await push(repository, tagged, 'v1-amd64');
  await push(repository, index, 'v1');
  await pulled(repository, 'v1-amd64', 1);
  await pulled(repository, 'v1', 2);
  await keep(repository, 1.5 * LAYER);
  await evict(newStores());
  const entries = await query(
    `SELECT event || ' ' || target FROM audit
     WHERE principal = 'eviction' AND repository = ?1 ORDER BY id`,
    repository,
  );
  expect(entries).toEqual([
    'tag.delete v1',
    `manifest.evict ${index.digest}`,
    `manifest.evict ${child.digest}`,
  ]);
  expect(await has(repository, child)).toBe(false);
  expect(await has(repository, tagged)).toBe(true);
});
