/** Orders of steps that test/model has found: each broke a promise to a pusher, or left something over. */
import { env } from 'cloudflare:workers';
import { afterEach, expect, test } from 'vitest';
import { type Collection, collect } from '../../src/lifecycle/collect.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { LIFETIMES } from '../../src/storage/metadata/lifetimes.ts';
import {
  call,
  newRepository,
  push,
  pushBlob,
  pushManifest,
  startUpload,
  withQuery,
} from '../support/client.ts';
import { elsewhere } from '../support/elsewhere.ts';
import { artifactOf, indexOf, randomImage } from '../support/images.ts';
import { expectNoOrphans, newStores, query, sessionOf } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

afterEach(expectNoOrphans);

const BIG = 'x'.repeat(1_000_001);

const run = (lifetimes = LIFETIMES): Promise<Collection> =>
  collect(newStores(undefined, { lifetimes }));

test('an upload that comes too late, of a blob that another has pushed, has a lease of it', async () => {
  const [repository, image] = [newRepository(), randomImage()];
  for (const blob of image.blobs) {
    await pushBlob(repository, blob);
  }
  await wait(2 * DAY);
  for (const blob of image.blobs) {
    const location = await startUpload(repository);
    await call('PATCH', location, { body: blob.bytes });
    const { id } = sessionOf(location);
    await newStores().metadata.uploads.abandon(id);
    const response = await call('PUT', withQuery(location, 'digest', blob.digest));
    expect(response.status).toBe(201);
  }
  expect(await run()).toMatchObject({ links: 0 });
  expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
});

test('a manifest that a pusher asked for waits anew, however short it waits', async () => {
  const [repository, image] = [newRepository(), randomImage()];
  const short = { ...LIFETIMES, untagged: LIFETIMES.review };
  await push(repository, image);
  await wait(DAY - 60);
  const head = await call('HEAD', `/v2/${repository}/manifests/${image.digest}`);
  expect(head.status).toBe(200);
  await wait(DAY / 2);
  expect(await run(short)).toMatchObject({ manifests: 0 });
  expect((await pushManifest(repository, indexOf([image]), 'latest')).status).toBe(201);
});

test('what refers to a manifest goes with it, also when that cannot be restored any more', async () => {
  const [repository, image] = [newRepository(), randomImage()];
  await push(repository, image, 'latest');
  await push(repository, artifactOf('application/vnd.example.sbom', image));
  await push(repository, randomImage(), `${image.digest.replace(':', '-')}.sig`);
  await call('DELETE', `/v2/${repository}/manifests/${image.digest}`);
  await env.DB.exec('UPDATE deleted_manifests SET expires_at = unixepoch()');
  await run();
  await wait(DAY);
  expect(await run()).toMatchObject({ manifests: 2 });
  expect(
    await query('SELECT digest FROM deleted_manifests WHERE digest = ?1', image.digest),
  ).toEqual([]);
});

test('a manifest above 1 MB that took too long is to be pushed again', async () => {
  const [repository, image] = [newRepository(), randomImage({ annotations: { big: BIG } })];
  for (const blob of image.blobs) {
    await pushBlob(repository, blob);
  }
  const bucket = new Proxy(env.BUCKET, {
    get:
      (target, name) =>
      async (key: string, ...rest: [ArrayBuffer]) => {
        expect(name).toBe('put');
        await newStores().metadata.uploads.abandon(key);
        return target.put(key, ...rest);
      },
  });
  const pushed = elsewhere(repository, undefined, { bucket }).manifests.put({
    reference: parseReference('latest'),
    bytes: image.bytes,
    contentType: image.mediaType,
    tags: [],
    conditions: [],
  });
  await expect(pushed).rejects.toMatchObject({ error: 'UNAVAILABLE' });
  expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
});
