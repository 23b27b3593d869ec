/** What goes from a mirror that has more than it may keep. */
import { expect, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { evict } from '../../src/lifecycle/evict.ts';
import { call, newRepository, push } from '../support/client.ts';
import {
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  type TestManifest,
} from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

const LAYER = 100_000; // bytes

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

async function keep(namespace: string, bytes: number | null): Promise<void> {
  await query(
    `INSERT INTO upstreams (namespace, url, keep_bytes) VALUES (?1, 'https://registry.test', ?2)
     ON CONFLICT DO UPDATE SET keep_bytes = excluded.keep_bytes`,
    namespace,
    bytes as number,
  );
}

/** As if what is named had been pulled so many days ago. */
async function pulled(repository: string, reference: string, days: number): Promise<void> {
  await query('UPDATE manifests SET pushed_at = unixepoch() - 100 * 86400');
  await query(
    `INSERT INTO pulls (repository_id, reference, count, last_pulled_at)
     SELECT id, ?2, 1, unixepoch() - ?3 FROM repositories WHERE name = ?1`,
    repository,
    reference,
    days * DAY,
  );
}

async function has(repository: string, { digest }: TestManifest): Promise<boolean> {
  return (await call('HEAD', `/v2/${repository}/manifests/${digest}`)).status === 200;
}

test('the least recently pulled goes, by its tag, by its digest or by a child, and its bytes after it', async () => {
  const repository = newRepository();
  const [namespace = ''] = repository.split('/');
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
  await keep(namespace, 3.5 * LAYER);
  expect(await evict(newStores())).toMatchObject({ manifests: 1 });
  expect(await has(repository, never)).toBe(false);
  expect(await evict(newStores())).toEqual({ manifests: 0, bytes: 0 });
  await keep(namespace, 1.5 * LAYER);
  expect(await evict(newStores())).toMatchObject({ manifests: 2 });
  expect(await has(repository, byTag)).toBe(false);
  expect(await has(repository, byDigest)).toBe(false);
  await keep(namespace, 0);
  expect(await evict(newStores())).toMatchObject({ manifests: 1 });
  expect(await has(repository, child)).toBe(false);
  await query('UPDATE deleted_manifests SET expires_at = unixepoch()');
  await collect(newStores());
  await wait(3 * DAY);
  await collect(newStores());
  const [used] = await query('SELECT used_bytes FROM namespaces WHERE name = ?1', namespace);
  expect(used).toBe(0);
});

test('nothing goes from a mirror without a limit', async () => {
  const repository = newRepository();
  const image = imageOfLayer();
  await push(repository, image, 'v1');
  await keep(repository.split('/')[0] ?? '', null);
  expect(await evict(newStores())).toEqual({ manifests: 0, bytes: 0 });
  expect(await has(repository, image)).toBe(true);
});
