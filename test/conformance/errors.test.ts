/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
import { describe, expect, test } from 'vitest';
import { call, expectError, header, newRepository, pushBlob } from '../support/client.ts';
import { randomBlob, randomDigest } from '../support/images.ts';

const repository = newRepository();

describe('errors', () => {
  test.each([
    ['GET', '/v2/nothing-here', 404, 'UNSUPPORTED'],
    ['GET', '/', 404, 'UNSUPPORTED'],
    ['GET', `/v2/${repository}/manifests/absent`, 404, 'MANIFEST_UNKNOWN'],
    ['GET', `/v2/${repository}/blobs/${randomDigest()}`, 404, 'BLOB_UNKNOWN'],
    ['GET', `/v2/${repository}/blobs/sha256:short`, 400, 'DIGEST_INVALID'],
    ['GET', `/v2/${repository}/tags/list`, 404, 'NAME_UNKNOWN'],
    ['GET', '/v2/UPPER/tags/list', 400, 'NAME_INVALID'],
    ['PUT', `/v2/${repository}/manifests/-bad`, 400, 'TAG_INVALID'],
    ['PUT', `/v2/${repository}/manifests/tag`, 400, 'MANIFEST_INVALID'],
    ['GET', `/v2/${repository}/blobs/uploads/${crypto.randomUUID()}`, 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['GET', '/v2/_catalog?n=-1', 400, 'PAGINATION_NUMBER_INVALID'],
  ])('%s %s is a %i %s in the form of the spec', async (method, path, status, code) => {
    await expectError(await call(method, path), status, code);
  });

  test.each([
    ['POST', '/v2/', 'GET, HEAD'],
    ['DELETE', '/v2/_catalog', 'GET, HEAD'],
    ['POST', `/v2/${repository}/manifests/tag`, 'GET, HEAD, PUT, DELETE'],
    ['PUT', `/v2/${repository}/blobs/${randomDigest()}`, 'GET, HEAD, DELETE'],
    [
      'POST',
      `/v2/${repository}/blobs/uploads/${crypto.randomUUID()}`,
      'GET, HEAD, PATCH, PUT, DELETE',
    ],
    ['GET', `/v2/${repository}/blobs/uploads/`, 'POST'],
    ['POST', `/v2/${repository}/tags/list`, 'GET, HEAD'],
    ['PUT', `/v2/${repository}/referrers/${randomDigest()}`, 'GET, HEAD'],
  ])('%s %s is a 405 that says what is allowed', async (method, path, allowed) => {
    const response = await call(method, path);
    expect(header(response, 'Allow')).toBe(allowed);
    await expectError(response, 405, 'UNSUPPORTED');
  });

  test('HEAD of what is not there has no body', async () => {
    for (const path of ['/v2/nope', `/v2/${repository}/manifests/absent`]) {
      const response = await call('HEAD', path);
      expect(response.status).toBe(404);
      expect(await response.text()).toBe('');
    }
  });

  test('end-3: the digest of a layer is not a manifest, and one of a manifest not a blob', async () => {
    const blob = randomBlob(10);
    await pushBlob(repository, blob);
    const path = `/v2/${repository}/manifests/${blob.digest}`;
    await expectError(await call('GET', path), 404, 'MANIFEST_UNKNOWN');
  });
});
