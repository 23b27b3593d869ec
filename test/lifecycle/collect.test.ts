/** What the collector takes and what it leaves, seen through the front door. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { type Collection, collect } from '../../src/lifecycle/collect.ts';
import { call, newRepository, push, pushBlob } from '../support/client.ts';
import { failing, withFaults } from '../support/faults.ts';
import {
  artifactOf,
  indexOf,
  randomBlob,
  randomImage,
  type TestManifest,
} from '../support/images.ts';
import { expectNoOrphans, keysInBucket, newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

afterEach(expectNoOrphans);

const run = (): Promise<Collection> => collect(newStores());

async function has(repository: string, what: string): Promise<boolean> {
  const { status } = await call('HEAD', `/v2/${repository}/${what}`);
  expect([200, 404]).toContain(status);
  return status === 200;
}

const hasManifest = (repository: string, reference: string) =>
  has(repository, `manifests/${reference}`);

const hasBlob = (repository: string, { digest }: { digest: string }) =>
  has(repository, `blobs/${digest}`);

const remove = (repository: string, reference: string) =>
  call('DELETE', `/v2/${repository}/manifests/${reference}`);

const rowsOf = (table: 'deleted_manifests' | 'forgotten_subjects', repository: string) =>
  query(
    `SELECT digest FROM ${table}
     WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1)`,
    repository,
  );

describe('a blob that no manifest names', () => {
  test('stays for its lease and goes then', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    expect(await run()).toMatchObject({ links: 0, blobs: 0 });
    await wait(2 * DAY - 60);
    expect(await run()).toMatchObject({ links: 0, blobs: 0 });
    await wait(60);
    expect(await run()).toMatchObject({ links: 1, blobs: 1, bytes: 100 });
    expect(await hasBlob(repository, blob)).toBe(false);
  });

  test('stays for the lease that the HEAD of a pusher takes', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    await wait(2 * DAY);
    expect(await hasBlob(repository, blob)).toBe(true);
    expect(await run()).toMatchObject({ links: 0 });
    await wait(2 * DAY);
    expect(await run()).toMatchObject({ links: 1 });
  });

  test('stays where another repository needs it', async () => {
    const [first, second] = [newRepository(), newRepository()];
    const image = randomImage();
    await push(first, image, 'latest');
    const [layer] = image.blobs;
    await call('POST', `/v2/${second}/blobs/uploads/?mount=${layer?.digest}&from=${first}`);
    await wait(2 * DAY);
    expect(await run()).toMatchObject({ links: 1, blobs: 0 });
    expect(await hasBlob(first, layer ?? image)).toBe(true);
    expect(await hasBlob(second, layer ?? image)).toBe(false);
  });
});

describe('a manifest', () => {
  test('stays while a tag names it, however old it is', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'latest');
    await wait(1000 * DAY);
    expect(await run()).toMatchObject({ manifests: 0, links: 0 });
    expect(await query('SELECT digest FROM collection_queue')).toEqual([]);
  });

  test('without a tag goes after 14 days, its blobs a day later, its bytes when it cannot be restored', async () => {
    const repository = newRepository();
    const [old, young] = [randomImage(), randomImage()];
    await push(repository, old, 'latest');
    await run();
    await wait(100 * DAY);
    await push(repository, young, 'latest');
    await wait(14 * DAY - 60);
    expect(await run()).toMatchObject({ manifests: 0 });
    await wait(60);
    expect(await run()).toMatchObject({ manifests: 1, links: 0 });
    expect(await hasManifest(repository, old.digest)).toBe(false);
    expect(await hasManifest(repository, young.digest)).toBe(true);
    await wait(DAY);
    expect(await run()).toMatchObject({ links: 2, blobs: 0 });
    await wait(13 * DAY);
    expect(await run()).toMatchObject({ expired: 1, blobs: 2, objects: 0 });
    await wait(DAY);
    expect(await run()).toMatchObject({ objects: 2, isDone: true });
    expect(await query('SELECT digest FROM collection_queue')).toEqual([]);
  });

  test('that was pulled lately stays', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    await env.DB.prepare(
      `INSERT INTO pulls SELECT repository_id, digest, 1, unixepoch() + ?2 FROM manifests WHERE digest = ?1`,
    )
      .bind(image.digest, 10 * DAY)
      .run();
    await wait(20 * DAY);
    expect(await run()).toMatchObject({ manifests: 0 });
    await wait(4 * DAY);
    expect(await run()).toMatchObject({ manifests: 1 });
  });

  test('that a pusher asked for waits anew', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    await wait(20 * DAY);
    expect(await hasManifest(repository, image.digest)).toBe(true);
    expect(await run()).toMatchObject({ manifests: 0 });
  });

  test('pushed again gets its tag and blobs back', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'latest');
    await remove(repository, image.digest);
    await push(repository, image, 'latest');
    await wait(100 * DAY);
    await run();
    await wait(100 * DAY);
    await run();
    for (const blob of image.blobs) {
      expect(await hasBlob(repository, blob)).toBe(true);
    }
  });

  test('above 1 MB keeps its object while it can be restored', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(1_500_000) } });
    await push(repository, image);
    await remove(repository, image.digest);
    await push(repository, image);
    await remove(repository, image.digest);
    const trashed = await query("SELECT r2_key FROM trash WHERE r2_key LIKE 'manifests/%'");
    expect(trashed).toHaveLength(1);
    await wait(14 * DAY);
    expect(await run()).toMatchObject({ expired: 1 });
  });
});

test('children stay as long as their index, and follow it', async () => {
  const repository = newRepository();
  const children = [randomImage(), randomImage()];
  const index = indexOf(children);
  for (const child of children) {
    await push(repository, child);
  }
  await push(repository, index, 'latest');
  await wait(100 * DAY);
  expect(await run()).toMatchObject({ manifests: 0 });
  await remove(repository, 'latest');
  await wait(14 * DAY);
  expect(await run()).toMatchObject({ manifests: 1 });
  await wait(14 * DAY);
  expect(await run()).toMatchObject({ manifests: 2 });
});

describe('referrers', () => {
  const signatureTag = ({ digest }: TestManifest) => `${digest.replace(':', '-')}.sig`;

  async function pushSigned(repository: string): Promise<Record<string, TestManifest>> {
    const image = randomImage();
    const [referrer, nested, signature] = [
      artifactOf('application/vnd.example.sbom', image),
      randomImage(),
      randomImage(),
    ];
    await push(repository, image, 'latest');
    await push(repository, referrer);
    await push(repository, nested, `${signatureTag(referrer)}`);
    await push(repository, signature, signatureTag(image));
    return { image, referrer, nested, signature };
  }

  test('stay with their subject, tagged as cosign does or not', async () => {
    const repository = newRepository();
    await pushSigned(repository);
    await wait(100 * DAY);
    expect(await run()).toMatchObject({ manifests: 0 });
  });

  test('follow their subject a day after it is deleted, and what refers to them follows them', async () => {
    const repository = newRepository();
    const { image, referrer, nested, signature } = await pushSigned(repository);
    await run();
    await remove(repository, image?.digest ?? '');
    await wait(DAY - 60);
    expect(await run()).toMatchObject({ manifests: 0 });
    await wait(60);
    expect(await run()).toMatchObject({ manifests: 2 });
    for (const gone of [referrer, signature]) {
      expect(await hasManifest(repository, gone?.digest ?? '')).toBe(false);
    }
    expect(await hasManifest(repository, nested?.digest ?? '')).toBe(true);
    await wait(DAY);
    expect(await run()).toMatchObject({ manifests: 1 });
    const tags = await call('GET', `/v2/${repository}/tags/list`);
    expect(await tags.json()).toMatchObject({ tags: [] });
  });

  test('follow a subject that can be restored for a shorter time than they wait', async () => {
    const repository = newRepository();
    const { image } = await pushSigned(repository);
    const namespace = repository.split('/')[0] ?? '';
    await query('UPDATE namespaces SET restore_days = 0 WHERE name = ?1', namespace);
    await run();
    await remove(repository, image?.digest ?? '');
    expect(await run()).toMatchObject({ expired: 1 });
    await wait(DAY);
    expect(await run()).toMatchObject({ manifests: 2, expired: 2 });
    await wait(DAY);
    expect(await run()).toMatchObject({ manifests: 1, expired: 1 });
    expect(await rowsOf('deleted_manifests', repository)).toEqual([]);
    expect(await rowsOf('forgotten_subjects', repository)).toEqual([]);
  });

  test('go when what held them lets go, long after their subject', async () => {
    const repository = newRepository();
    const { image, referrer, signature } = await pushSigned(repository);
    await push(repository, referrer as TestManifest, 'sbom');
    await push(repository, signature as TestManifest, 'signature');
    await remove(repository, image?.digest ?? '');
    await wait(14 * DAY);
    await run();
    await wait(14 * DAY);
    expect(await run()).toMatchObject({ manifests: 0 });
    await remove(repository, 'sbom');
    await remove(repository, 'signature');
    await wait(DAY);
    expect(await run()).toMatchObject({ manifests: 2 });
    await wait(DAY);
    expect(await run()).toMatchObject({ manifests: 1 });
    expect(await rowsOf('forgotten_subjects', repository)).toEqual([]);
  });

  test('stay when their subject comes back after it was forgotten', async () => {
    const repository = newRepository();
    const { image, referrer } = await pushSigned(repository);
    await push(repository, referrer as TestManifest, 'sbom');
    await remove(repository, image?.digest ?? '');
    await wait(14 * DAY);
    await run();
    expect(await rowsOf('forgotten_subjects', repository)).toHaveLength(1);
    await push(repository, image as TestManifest, 'latest');
    await remove(repository, 'sbom');
    await wait(100 * DAY);
    expect(await run()).toMatchObject({ manifests: 0 });
    expect(await rowsOf('forgotten_subjects', repository)).toEqual([]);
  });

  test('that a tag holds do not keep their subject from being given up', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'latest');
    await push(repository, artifactOf('application/vnd.example.sbom', image), 'sbom');
    await remove(repository, image.digest);
    await wait(14 * DAY);
    await run();
    expect(await run()).toMatchObject({ manifests: 0, expired: 0 });
    expect(await rowsOf('deleted_manifests', repository)).toEqual([]);
  });

  test('of a subject that is not here stay: it may be in another repository', async () => {
    const repository = newRepository();
    const elsewhere = randomImage();
    await push(repository, artifactOf('application/vnd.example.sbom', elsewhere));
    await push(repository, randomImage(), signatureTag(elsewhere));
    await wait(100 * DAY);
    expect(await run()).toMatchObject({ manifests: 0 });
  });

  test('stay when their subject is pushed again', async () => {
    const repository = newRepository();
    const { image } = await pushSigned(repository);
    await remove(repository, image?.digest ?? '');
    await push(repository, image as TestManifest, 'latest');
    await wait(100 * DAY);
    expect(await run()).toMatchObject({ manifests: 0 });
  });
});

test('a review that fails does not keep the trash from being emptied', async () => {
  const repository = newRepository();
  await push(repository, randomImage());
  const blob = randomBlob(100);
  await pushBlob(repository, blob);
  await wait(2 * DAY);
  await run(); // the blob goes into the trash
  await wait(13 * DAY);
  const DB = withFaults(env.DB, failing('batch', 'before'));
  const objects = (await keysInBucket()).length;
  await expect(collect(newStores(undefined, { database: DB }))).rejects.toThrow();
  expect((await keysInBucket()).length).toBeLessThan(objects);
  expect(await run()).toMatchObject({ manifests: 1 });
});

test('runs at the same time take everything once', async () => {
  const repository = newRepository();
  const images = Array.from({ length: 20 }, () => randomImage());
  for (const image of images) {
    await push(repository, image);
  }
  await wait(15 * DAY);
  const runs = await Promise.all([run(), run(), run()]);
  expect(runs.reduce((sum, { manifests }) => sum + manifests, 0)).toBe(20);
  const entries = await query(
    "SELECT count(*) FROM audit WHERE event = 'manifest.collect' AND repository = ?1",
    repository,
  );
  expect(entries).toEqual([20]);
});

test('what fails of manifests does not stop blobs and the trash', async () => {
  const repository = newRepository();
  const [old, young] = [randomBlob(100), randomBlob(100)];
  await pushBlob(repository, old);
  await wait(2 * DAY);
  await run();
  await pushBlob(repository, young);
  const image = randomImage();
  await push(repository, image);
  await wait(14 * DAY);
  const database = withFaults(env.DB, failing('batch', 'before'));
  await expect(collect(newStores(undefined, { database }))).rejects.toThrow();
  expect(await query('SELECT count(*) FROM manifests WHERE digest = ?1', image.digest)).toEqual([
    1,
  ]);
  expect(await hasBlob(repository, young)).toBe(false);
  expect(await query('SELECT r2_key FROM trash WHERE delete_after <= unixepoch()')).toEqual([]);
});
