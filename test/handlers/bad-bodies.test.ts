/** Bodies of broken and hostile clients: never a 5xx, and every refusal has the form of the spec. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type CallOptions, call, newRepository, pushBlob, startUpload } from '../support/client.ts';
import { emptyBlob, randomBlob } from '../support/images.ts';
import { BAD_MANIFESTS } from './bad-manifests.ts';
import { expectRefused } from './refusals.ts';

const repository = newRepository();
const hex = '0'.repeat(64);

beforeAll(async () => {
  await pushBlob(repository, emptyBlob);
});

describe('manifests', () => {
  test.each(BAD_MANIFESTS)('$title', async ({ statuses, headers, body }) => {
    const path = `/v2/${repository}/manifests/tag`;
    await expectRefused(['PUT', path, statuses, { headers, body: body() }]);
  });
});

describe('uploads', () => {
  const octets = { 'Content-Type': 'application/octet-stream' };
  test.each<[string, readonly number[], CallOptions]>([
    ['PATCH', [400, 416], { headers: { 'Content-Range': '0-9' }, body: 'four' }],
    ['PATCH', [202, 400], { headers: { 'Content-Range': 'bytes 0-3/4' }, body: 'four' }],
    ['PATCH', [400, 416], { headers: { 'Content-Range': '-1-5' }, body: 'four' }],
    [
      'PATCH',
      [400, 416],
      { headers: { 'Content-Range': '9223372036854775808-9223372036854775811' }, body: 'four' },
    ],
    [
      'PATCH',
      [400, 413, 416],
      { headers: { 'Content-Range': '0-9007199254740990' }, body: new Blob(['x']).stream() },
    ],
    ['PATCH', [400, 416], { headers: { 'Content-Range': '5-1' }, body: 'four' }],
    ['PATCH', [202, 400, 415], { headers: { 'Content-Type': 'text/html' }, body: 'four' }],
    ['PATCH', [202], { headers: octets }],
    ['PUT', [400], { body: 'four' }],
  ])('%s is answered with one of %j: %o', async (method, statuses, options) => {
    await expectRefused([method, await startUpload(repository), statuses, options]);
  });

  test.each(['', 'sha256:zz', `SHA256:${hex}`, `md5:${'0'.repeat(32)}`, `sha256:${hex}`])(
    'PUT with the digest "%s" is refused',
    async (digest) => {
      const url = `${await startUpload(repository)}?digest=${digest}`;
      await expectRefused(['PUT', url, [400], { body: 'four' }]);
      expect((await call('HEAD', `/v2/${repository}/blobs/sha256:${hex}`)).status).toBe(404);
    },
  );

  test.each(['5-9', '1-5', '0-9'])(
    'POST of a whole blob with the Content-Range %s is not answered with 201',
    async (range) => {
      const whole = randomBlob(5);
      const path = `/v2/${repository}/blobs/uploads/?digest=${whole.digest}`;
      await expectRefused([
        'POST',
        path,
        [400, 416],
        { headers: { 'Content-Range': range }, body: whole.bytes },
      ]);
      expect((await call('HEAD', `/v2/${repository}/blobs/${whole.digest}`)).status).toBe(404);
    },
  );
});
