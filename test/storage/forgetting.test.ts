/** What is deleted is gone at once where the delete was asked for, whatever else happens then. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { parseRepositoryName, type RepositoryName } from '../../src/oci/repository-name.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import type { Source } from '../../src/storage/metadata/database.ts';
import { newRepository, push, pushBlob } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { elsewhere } from '../support/elsewhere.ts';
import { failing, withFaults } from '../support/faults.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import { laggingReplica } from '../support/replica.ts';
import { newStores } from '../support/storage.ts';

async function pushed() {
  const repository = newRepository();
  const blob = randomBlob(1000);
  await pushBlob(repository, blob);
  return { repository, digest: parseDigest(blob.digest) };
}

test('a read replica that is behind is not asked for it', async () => {
  const { repository, digest } = await pushed();
  const { blobs } = elsewhere(repository, new Isolate(), { database: laggingReplica() });
  expect(await blobs.stat(digest)).toMatchObject({ digest });
  await blobs.delete(digest);
  await expect(blobs.stat(digest)).rejects.toMatchObject({ error: 'BLOB_UNKNOWN' });
  await expect(blobs.stat(digest)).rejects.toMatchObject({ error: 'BLOB_UNKNOWN' });
});

test('what a replica does not have yet the primary has', async () => {
  const { repository, digest } = await pushed();
  const database = laggingReplica();
  const other = newRepository();
  const { blobs } = elsewhere(other, new Isolate(), { database });
  await expect(blobs.stat(digest)).rejects.toMatchObject({ error: 'BLOB_UNKNOWN' });
  await blobs.mount(digest, [parseRepositoryName(repository)]);
  expect(await blobs.stat(digest)).toMatchObject({ digest });
});

test('an isolate that asked before the delete does not tell the location after it', async () => {
  const { repository, digest } = await pushed();
  const name = parseRepositoryName(repository);
  const here = elsewhere(repository);
  const counts = await countDuring(() =>
    recall(name, digest, async () => {
      await here.blobs.delete(digest);
      return 'as it was before the delete';
    }),
  );
  await expect.poll(() => counts.cacheLookups).toBe(2); // before it asked, and before it would tell
  const asked: Source[] = [];
  await recall(name, digest, async (source) => {
    asked.push(source);
    return null;
  });
  expect(asked).toEqual(['primary']);
  await expect(here.blobs.stat(digest)).rejects.toMatchObject({ error: 'BLOB_UNKNOWN' });
});

/** As another isolate of the location would ask, which remembers nothing at first. */
function recall<Value>(
  repository: RepositoryName,
  digest: string,
  find: (source: Source) => Promise<Value | null>,
): Promise<Value | null> {
  return newStores(new Isolate()).memberships.recall('blobs', repository, digest, find);
}

test('a delete whose answer is lost has happened', async () => {
  const { repository, digest } = await pushed();
  const database = withFaults(env.DB, failing('batch', 'after'));
  const { blobs } = elsewhere(repository, new Isolate(), { database });
  await blobs.stat(digest);
  await expect(blobs.delete(digest)).rejects.toMatchObject({ error: 'UNAVAILABLE' });
  await expect(blobs.stat(digest)).rejects.toMatchObject({ error: 'BLOB_UNKNOWN' });
});

test('the tags of a manifest go with it, also where tags are remembered', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'v1');
  const maxAges = { membership: 60, tag: 60 };
  const { manifests } = elsewhere(repository, new Isolate(), { maxAges });
  const tag = { tag: parseTag('v1') };
  expect(await manifests.get(tag)).toMatchObject({ digest: image.digest });
  await manifests.delete({ digest: parseDigest(image.digest) });
  await expect(manifests.get(tag)).rejects.toMatchObject({ error: 'MANIFEST_UNKNOWN' });
});
