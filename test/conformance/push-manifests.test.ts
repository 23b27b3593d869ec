/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests */
import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  errorsOf,
  expectError,
  header,
  newRepository,
  push,
  pushManifest,
} from '../support/client.ts';
import {
  artifactOf,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  descriptorOf,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  randomBlob,
  randomDigest,
  randomImage,
  type TestManifest,
} from '../support/images.ts';

const pull = (repository: string, reference: string) =>
  call('GET', `/v2/${repository}/manifests/${reference}`);

async function expectStored(repository: string, manifest: TestManifest, reference: string) {
  const response = await pull(repository, reference);
  expect(response.status).toBe(200);
  expect(header(response, 'Docker-Content-Digest')).toBe(manifest.digest);
  expect(header(response, 'Content-Type')).toBe(manifest.mediaType);
  expect(await bytesOf(response)).toEqual(manifest.bytes);
}

describe('what is stored', () => {
  test('end-7a: an image by tag is answered with its digest and location', async () => {
    const repository = newRepository();
    const image = randomImage();
    const response = await push(repository, image, 'v1.0');
    expect(header(response, 'Docker-Content-Digest')).toBe(image.digest);
    expect(await bytesOf(await call('GET', header(response, 'Location')))).toEqual(image.bytes);
    await expectStored(repository, image, 'v1.0');
  });

  test('end-7a: an image without layers', async () => {
    const repository = newRepository();
    const image = randomImage({ layers: [] });
    await push(repository, image, 'empty');
    await expectStored(repository, image, 'empty');
  });

  test('end-7a: Docker images and manifest lists', async () => {
    const repository = newRepository();
    const oci = randomImage();
    const image = manifestOf(
      {
        ...(JSON.parse(new TextDecoder().decode(oci.bytes)) as Record<string, unknown>),
        mediaType: DOCKER_MANIFEST,
      },
      DOCKER_MANIFEST,
      oci.blobs,
    );
    await push(repository, image, 'docker');
    await expectStored(repository, image, 'docker');
    const list = indexOf([image], {}, DOCKER_MANIFEST_LIST);
    await push(repository, list, 'list');
    await expectStored(repository, list, 'list');
  });

  test('end-7a: an index of images, and an index of that', async () => {
    const repository = newRepository();
    const images = [randomImage(), randomImage()];
    for (const image of images) {
      await push(repository, image);
    }
    const index = indexOf(images);
    const outer = indexOf([index]);
    await push(repository, index, 'index');
    await push(repository, outer, 'outer');
    await expectStored(repository, index, 'index');
    await expectStored(repository, outer, 'outer');
  });

  test('end-7a: an empty index', async () => {
    const repository = newRepository();
    const index = indexOf([]);
    await push(repository, index, 'none');
    await expectStored(repository, index, 'none');
  });

  test('end-7a: an artifact with an unknown type', async () => {
    const repository = newRepository();
    const artifact = artifactOf('application/vnd.example.unheard-of+type', null);
    await push(repository, artifact, 'artifact');
    await expectStored(repository, artifact, 'artifact');
  });

  test('end-7a: a manifest of nearly 4 MiB, twice', async () => {
    const repository = newRepository();
    const image = randomImage({ annotations: { big: 'x'.repeat(4 * 2 ** 20 - 2000) } });
    await push(repository, image, 'big');
    await push(repository, image, 'big');
    await expectStored(repository, image, 'big');
  });

  test('end-7a: non-distributable layers and layers with urls need not be there', async () => {
    const repository = newRepository();
    const foreign = [
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    ].map((mediaType) => descriptorOf(randomBlob(10), mediaType));
    const elsewhere = { ...descriptorOf(randomBlob(10)), urls: ['https://example.com/layer'] };
    const image = randomImage({ layers: [...foreign, elsewhere] });
    await push(repository, image, 'windows');
    await expectStored(repository, image, 'windows');
  });

  test('end-7a: parameters of the Content-Type are ignored', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, { ...image, mediaType: `${OCI_MANIFEST}; charset=utf-8` }, 'latest');
    await expectStored(repository, image, 'latest');
  });

  test('end-7a: a tag moves to what is pushed last', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first, 'latest');
    await push(repository, second, 'latest');
    await expectStored(repository, second, 'latest');
    await expectStored(repository, first, first.digest);
  });
});

describe('by digest', () => {
  test.each(['sha256', 'sha512'] as const)(
    'end-7b: the %s digest of the path is verified',
    async (algorithm) => {
      const repository = newRepository();
      const image = randomImage({}, algorithm);
      const response = await push(repository, image);
      expect(header(response, 'Docker-Content-Digest')).toBe(image.digest);
      const refused = await pushManifest(repository, image, randomDigest(algorithm));
      await expectError(refused, 400, 'DIGEST_INVALID');
    },
  );

  test('end-7b: every tag of the query is set and named in OCI-Tag', async () => {
    const repository = newRepository();
    const image = randomImage();
    const tags = Array.from({ length: 12 }, (_, index) => `tag-${index}`);
    const query = tags.map((tag) => `tag=${tag}`).join('&');
    const response = await push(repository, image, `${image.digest}?${query}`);
    const accepted = header(response, 'OCI-Tag').split(',');
    expect(accepted.map((tag) => tag.trim()).sort()).toEqual([...tags].sort());
    for (const tag of tags) {
      await expectStored(repository, image, tag);
    }
  });

  test('end-7b: a bad tag in the query is refused and nothing is stored', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, randomImage({ layers: [] }), 'other');
    const response = await pushManifest(repository, image, `${image.digest}?tag=good&tag=-bad`);
    await expectError(response, 400, 'TAG_INVALID');
    expect((await pull(repository, 'good')).status).toBe(404);
  });
});

describe('what is refused', () => {
  test('end-7a: missing blobs are MANIFEST_BLOB_UNKNOWN, each named', async () => {
    const repository = newRepository();
    const image = randomImage();
    const response = await pushManifest(repository, image, 'latest');
    expect(response.status).toBe(400);
    const errors = await errorsOf(response);
    expect(errors.map((error) => error.code)).toEqual(errors.map(() => 'MANIFEST_BLOB_UNKNOWN'));
    expect(errors.map((error) => error.detail).sort()).toEqual(
      image.blobs.map((blob) => blob.digest).sort(),
    );
    expect((await pull(repository, 'latest')).status).toBe(404);
  });

  test('end-7a: a child that only another repository has is MANIFEST_BLOB_UNKNOWN', async () => {
    const image = randomImage();
    await push(newRepository(), image);
    const response = await pushManifest(newRepository(), indexOf([image]), 'latest');
    await expectError(response, 400, 'MANIFEST_BLOB_UNKNOWN');
  });

  test('end-7a: above 4 MiB is 413', async () => {
    const image = randomImage({ annotations: { big: 'x'.repeat(4 * 2 ** 20) } });
    await expectError(await pushManifest(newRepository(), image, 'big'), 413, 'SIZE_INVALID');
  });

  test('end-7a: a Content-Type that contradicts the mediaType is MANIFEST_INVALID', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    const lie = { ...image, mediaType: DOCKER_MANIFEST };
    await expectError(await pushManifest(repository, lie, 'lie'), 400, 'MANIFEST_INVALID');
  });

  test('end-7a: a manifest with the fields of both kinds is MANIFEST_INVALID', async () => {
    const config = randomBlob(10);
    const both = manifestOf({
      schemaVersion: 2,
      config: descriptorOf(config, OCI_CONFIG),
      layers: [descriptorOf(config, OCI_LAYER)],
      manifests: [],
    });
    await expectError(await pushManifest(newRepository(), both, 'x'), 400, 'MANIFEST_INVALID');
  });
});
