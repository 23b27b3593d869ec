/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#content-management */
import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  expectError,
  newRepository,
  push,
  pushBlob,
  pushManifest,
} from '../support/client.ts';
import { indexOf, randomBlob, randomDigest, randomImage } from '../support/images.ts';

const manifests = (repository: string, reference: string) =>
  `/v2/${repository}/manifests/${reference}`;
const blobs = (repository: string, digest: string) => `/v2/${repository}/blobs/${digest}`;

async function statusOf(method: string, path: string): Promise<number> {
  return (await call(method, path)).status;
}

describe('tags and manifests', () => {
  test('end-9: DELETE of a tag leaves the manifest and other tags', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'one');
    await pushManifest(repository, image, 'two');
    expect(await statusOf('DELETE', manifests(repository, 'one'))).toBe(202);
    expect(await statusOf('GET', manifests(repository, 'one'))).toBe(404);
    expect(await statusOf('GET', manifests(repository, 'two'))).toBe(200);
    expect(await statusOf('GET', manifests(repository, image.digest))).toBe(200);
  });

  test('end-9: DELETE of a manifest takes its tags along, at once', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'one');
    await pushManifest(repository, image, 'two');
    expect(await statusOf('DELETE', manifests(repository, image.digest))).toBe(202);
    for (const reference of ['one', 'two', image.digest]) {
      await expectError(
        await call('GET', manifests(repository, reference)),
        404,
        'MANIFEST_UNKNOWN',
      );
      expect(await statusOf('HEAD', manifests(repository, reference))).toBe(404);
    }
    const list = await call('GET', `/v2/${repository}/tags/list`);
    expect(await list.json()).toEqual({ name: repository, tags: [] });
  });

  test('end-9: what is not there is MANIFEST_UNKNOWN', async () => {
    const repository = newRepository();
    await push(repository, randomImage(), 'here');
    const paths = [
      manifests(repository, 'absent'),
      manifests(repository, randomDigest()),
      manifests(newRepository(), 'here'),
    ];
    for (const path of paths) {
      await expectError(await call('DELETE', path), 404, 'MANIFEST_UNKNOWN');
    }
  });

  test('end-9: a manifest that an index names is refused with 405 until the index goes', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'child');
    const index = indexOf([image]);
    await push(repository, index, 'index');
    await expectError(
      await call('DELETE', manifests(repository, image.digest)),
      405,
      'UNSUPPORTED',
    );
    expect(await statusOf('GET', manifests(repository, 'child'))).toBe(200);
    expect(await statusOf('DELETE', manifests(repository, index.digest))).toBe(202);
    expect(await statusOf('GET', manifests(repository, image.digest))).toBe(200);
    expect(await statusOf('DELETE', manifests(repository, image.digest))).toBe(202);
  });

  test('end-9: a deleted manifest may be pushed again', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(1_500_000) } });
    await push(repository, image, 'latest');
    expect(await statusOf('DELETE', manifests(repository, image.digest))).toBe(202);
    expect((await pushManifest(repository, image, 'latest')).status).toBe(201);
    expect(await bytesOf(await call('GET', manifests(repository, 'latest')))).toEqual(image.bytes);
  });

  test('end-9: a manifest of one repository stays when another one deletes it', async () => {
    const [first, second] = [newRepository(), newRepository()];
    const image = randomImage();
    await push(first, image, 'latest');
    await push(second, image, 'latest');
    expect(await statusOf('DELETE', manifests(first, image.digest))).toBe(202);
    expect(await bytesOf(await call('GET', manifests(second, 'latest')))).toEqual(image.bytes);
  });
});

describe('blobs', () => {
  test('end-10: DELETE takes a blob out of the repository, once', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    expect(await statusOf('DELETE', blobs(repository, blob.digest))).toBe(202);
    expect(await statusOf('GET', blobs(repository, blob.digest))).toBe(404);
    expect(await statusOf('HEAD', blobs(repository, blob.digest))).toBe(404);
    await expectError(await call('DELETE', blobs(repository, blob.digest)), 404, 'BLOB_UNKNOWN');
  });

  test('end-10: a blob that a manifest names is refused with 405 until the manifest goes', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'latest');
    for (const { digest } of image.blobs) {
      await expectError(await call('DELETE', blobs(repository, digest)), 405, 'UNSUPPORTED');
      expect(await statusOf('HEAD', blobs(repository, digest))).toBe(200);
    }
    await call('DELETE', manifests(repository, image.digest));
    for (const { digest } of image.blobs) {
      expect(await statusOf('DELETE', blobs(repository, digest))).toBe(202);
    }
  });

  test('end-10: a deleted blob may be pushed again', async () => {
    const repository = newRepository();
    const blob = randomBlob(100);
    await pushBlob(repository, blob);
    await call('DELETE', blobs(repository, blob.digest));
    await pushBlob(repository, blob);
    expect(await bytesOf(await call('GET', blobs(repository, blob.digest)))).toEqual(blob.bytes);
  });

  test('end-10: a blob stays in other repositories', async () => {
    const [first, second] = [newRepository(), newRepository()];
    const blob = randomBlob(100);
    await pushBlob(first, blob);
    await pushBlob(second, blob);
    expect(await statusOf('DELETE', blobs(first, blob.digest))).toBe(202);
    expect(await bytesOf(await call('GET', blobs(second, blob.digest)))).toEqual(blob.bytes);
  });
});
