/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull */
import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  expectError,
  type HeaderMap,
  header,
  newRepository,
  push,
  pushBlob,
} from '../support/client.ts';
import {
  type Algorithm,
  DOCKER_MANIFEST,
  manifestOf,
  randomBlob,
  randomDigest,
  randomImage,
  type TestBlob,
} from '../support/images.ts';

async function pushed(blob: TestBlob): Promise<string> {
  const repository = newRepository();
  await pushBlob(repository, blob);
  return `/v2/${repository}/blobs/${blob.digest}`;
}

describe('determining support', () => {
  test.each(['/v2/', '/v2'])('end-1: GET %s is answered with 200', async (path) => {
    const response = await call('GET', path);
    expect(response.status).toBe(200);
    expect(header(response, 'Docker-Distribution-API-Version')).toBe('registry/2.0');
  });
});

describe('blobs', () => {
  test.each<Algorithm>(['sha256', 'sha512'])(
    'end-2: GET answers the exact bytes of a %s blob with its digest and length',
    async (algorithm) => {
      const blob = randomBlob(5000, algorithm);
      const response = await call('GET', await pushed(blob));
      expect(response.status).toBe(200);
      expect(header(response, 'Docker-Content-Digest')).toBe(blob.digest);
      expect(header(response, 'Content-Length')).toBe('5000');
      expect(header(response, 'Content-Type')).toBe('application/octet-stream');
      expect(header(response, 'Accept-Ranges')).toBe('bytes');
      expect(await bytesOf(response)).toEqual(blob.bytes);
    },
  );

  test('end-2: HEAD answers digest and length without a body', async () => {
    const blob = randomBlob(77);
    const response = await call('HEAD', await pushed(blob));
    expect(response.status).toBe(200);
    expect(header(response, 'Docker-Content-Digest')).toBe(blob.digest);
    expect(header(response, 'Content-Length')).toBe('77');
    expect(await bytesOf(response)).toHaveLength(0);
  });

  test('end-2: an unknown blob is BLOB_UNKNOWN, and on HEAD a 404 without a body', async () => {
    const path = `/v2/${newRepository()}/blobs/${randomDigest()}`;
    await expectError(await call('GET', path), 404, 'BLOB_UNKNOWN');
    const head = await call('HEAD', path);
    expect(head.status).toBe(404);
    expect(await head.text()).toBe('');
  });

  test('end-2: a blob of one repository is unknown in another', async () => {
    const blob = randomBlob(10);
    await pushed(blob);
    const elsewhere = `/v2/${newRepository()}/blobs/${blob.digest}`;
    await expectError(await call('GET', elsewhere), 404, 'BLOB_UNKNOWN');
  });

  test('end-2: the colon of a digest may be percent-encoded', async () => {
    const path = await pushed(randomBlob(10));
    const response = await call('GET', path.replace(':', '%3A'));
    expect(response.status).toBe(200);
  });

  test('end-2: the empty blob is a blob', async () => {
    const empty = randomBlob(0);
    const path = await pushed(empty);
    expect(await bytesOf(await call('GET', path))).toHaveLength(0);
    expect(header(await call('HEAD', path), 'Content-Length')).toBe('0');
  });

  const ranges = [
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=90-', 90, 99],
    ['bytes=-5', 95, 99],
    ['bytes=-1000', 0, 99],
    ['bytes=50-1000', 50, 99],
    ['bytes=99-99999999999999999999', 99, 99],
  ] as const;
  test.each(ranges)(
    'end-2: Range %s is answered with the bytes %i to %i',
    async (Range, first, last) => {
      const blob = randomBlob(100);
      const response = await call('GET', await pushed(blob), { headers: { Range } });
      expect(response.status).toBe(206);
      expect(header(response, 'Content-Range')).toBe(`bytes ${first}-${last}/100`);
      expect(header(response, 'Content-Length')).toBe(String(last - first + 1));
      expect(header(response, 'Docker-Content-Digest')).toBe(blob.digest);
      expect(await bytesOf(response)).toEqual(blob.bytes.slice(first, last + 1));
    },
  );

  test.each(['bytes=100-', 'bytes=100-200', 'bytes=5-1', 'bytes=-0'])(
    'end-2: Range %s, which the blob does not satisfy, is a 416 with the size of the blob',
    async (Range) => {
      const response = await call('GET', await pushed(randomBlob(100)), { headers: { Range } });
      expect(header(response, 'Content-Range')).toBe('bytes */100');
      await expectError(response, 416, 'RANGE_INVALID');
    },
  );

  test.each<HeaderMap>([
    { Range: 'items=0-1' },
    { Range: 'bytes=0-0,2-2' },
    { Range: 'bytes=a-b' },
    { Range: 'bytes=0-1', 'If-Range': '"something-else"' },
  ])('end-2: a range that cannot be used is ignored: %o', async (headers) => {
    const blob = randomBlob(100);
    const response = await call('GET', await pushed(blob), { headers });
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toEqual(blob.bytes);
  });

  test('end-2: If-Range with the entity tag of the blob keeps the range', async () => {
    const path = await pushed(randomBlob(100));
    const tag = header(await call('HEAD', path), 'ETag');
    const headers = { Range: 'bytes=0-9', 'If-Range': tag };
    expect((await call('GET', path, { headers })).status).toBe(206);
  });

  test.each(['GET', 'HEAD'])(
    'end-2: %s with If-None-Match of what the client has is a 304',
    async (method) => {
      const path = await pushed(randomBlob(100));
      const tag = header(await call('HEAD', path), 'ETag');
      const response = await call(method, path, { headers: { 'If-None-Match': tag } });
      expect(response.status).toBe(304);
      expect(header(response, 'ETag')).toBe(tag);
      expect(await response.text()).toBe('');
    },
  );
});

describe('manifests', () => {
  test('end-3: GET by tag and by digest answers what was pushed, byte for byte', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'v1');
    for (const reference of ['v1', image.digest]) {
      const response = await call('GET', `/v2/${repository}/manifests/${reference}`);
      expect(response.status).toBe(200);
      expect(header(response, 'Docker-Content-Digest')).toBe(image.digest);
      expect(header(response, 'Content-Type')).toBe(image.mediaType);
      expect(header(response, 'Content-Length')).toBe(String(image.bytes.byteLength));
      expect(await bytesOf(response)).toEqual(image.bytes);
    }
  });

  test('end-3: HEAD answers the same headers without a body', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'v1');
    const response = await call('HEAD', `/v2/${repository}/manifests/v1`);
    expect(response.status).toBe(200);
    expect(header(response, 'Docker-Content-Digest')).toBe(image.digest);
    expect(header(response, 'Content-Type')).toBe(image.mediaType);
    expect(header(response, 'Content-Length')).toBe(String(image.bytes.byteLength));
    expect(await response.text()).toBe('');
  });

  test('end-3: the answer has the digest in the algorithm that the client asked with', async () => {
    const repository = newRepository();
    const image = randomImage({}, 'sha512');
    await push(repository, image);
    const response = await call('GET', `/v2/${repository}/manifests/${image.digest}`);
    expect(header(response, 'Docker-Content-Digest')).toBe(image.digest);
    expect(await bytesOf(response)).toEqual(image.bytes);
  });

  test.each(['*/*', 'application/vnd.oci.image.index.v1+json', 'text/html', DOCKER_MANIFEST])(
    'end-3: what is stored is the answer to Accept: %s',
    async (Accept) => {
      const repository = newRepository();
      const image = randomImage();
      await push(repository, image, 'latest');
      const path = `/v2/${repository}/manifests/latest`;
      const response = await call('GET', path, { headers: { Accept } });
      expect(response.status).toBe(200);
      expect(header(response, 'Content-Type')).toBe(image.mediaType);
    },
  );

  test('end-3: white space and unknown fields survive', async () => {
    const repository = newRepository();
    const image = randomImage({ 'org.example.unknown': [1, { a: null }] });
    const text = `\n  ${new TextDecoder().decode(image.bytes)} \r\n\t`;
    const spaced = manifestOf({}, image.mediaType, image.blobs);
    const bytes = new TextEncoder().encode(text);
    await push(repository, { ...spaced, bytes }, 'spaced');
    const response = await call('GET', `/v2/${repository}/manifests/spaced`);
    expect(await response.text()).toBe(text);
  });

  test('end-3: an unknown tag, digest or repository is MANIFEST_UNKNOWN', async () => {
    const repository = newRepository();
    await push(repository, randomImage(), 'known');
    const paths = [`${repository}/manifests/unknown`, `${repository}/manifests/${randomDigest()}`];
    for (const path of [...paths, `${newRepository()}/manifests/known`]) {
      await expectError(await call('GET', `/v2/${path}`), 404, 'MANIFEST_UNKNOWN');
      expect((await call('HEAD', `/v2/${path}`)).status).toBe(404);
    }
  });

  test('end-3: If-None-Match with the digest is a 304 until the tag moves', async () => {
    const repository = newRepository();
    await push(repository, randomImage(), 'latest');
    const path = `/v2/${repository}/manifests/latest`;
    const headers = { 'If-None-Match': header(await call('HEAD', path), 'ETag') };
    expect((await call('GET', path, { headers })).status).toBe(304);
    await push(repository, randomImage(), 'latest');
    expect((await call('GET', path, { headers })).status).toBe(200);
  });

  test('end-3: Range is ignored', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'latest');
    const path = `/v2/${repository}/manifests/latest`;
    const response = await call('GET', path, { headers: { Range: 'bytes=0-1' } });
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toEqual(image.bytes);
  });
});
