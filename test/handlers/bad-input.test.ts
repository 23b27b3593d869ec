/** What broken and hostile clients ask for: never a 5xx, and every refusal has the form of the spec. */
import { beforeAll, describe, expect, test } from 'vitest';
import { call, newRepository, push, pushBlob } from '../support/client.ts';
import { OCI_MANIFEST, randomBlob, randomDigest, randomImage } from '../support/images.ts';
import { expectRefused, type Row, titled } from './refusals.ts';

const repository = newRepository();
const blob = randomBlob(5000);
const blobPath = `/v2/${repository}/blobs/${blob.digest}`;
const hex = '0'.repeat(64);

beforeAll(async () => {
  await push(repository, randomImage(), 'latest');
  await pushBlob(repository, blob);
});

describe('names', () => {
  const names = [
    'A/b',
    'a/B',
    'a/%2e%2e/b',
    'a/../b',
    '%C3%A9',
    '%EF%BD%81',
    'xn--%D0%B0',
    'a%0ab',
    'a%0d%0aX:%20y',
    '',
    'a//b',
    '.a',
    'a..b',
    'a%20b',
    'a_-b',
    '-a',
    'a-',
    'a'.repeat(256),
    `${'a/'.repeat(127)}aa`,
    'a'.repeat(8000),
    'a/blobs',
    'a/blobs/uploads',
    '_catalog',
    '%zz',
    '%c0%af',
    '%00',
    '__proto__',
    'constructor',
    'toString',
  ];
  const rows = names.flatMap((name): Row[] => [
    ['GET', `/v2/${name}/tags/list`, [400, 404]],
    ['HEAD', `/v2/${name}/manifests/latest`, [400, 404]],
    ['POST', `/v2/${name}/blobs/uploads/`, [202, 400, 404, 405]],
  ]);
  test.each(titled(rows))('%s', async (_title, row) => {
    await expectRefused(row);
  });
});

describe('digests', () => {
  const digests = [
    `SHA256:${hex}`,
    `sha256:${hex}0`,
    `sha256:${'g'.repeat(64)}`,
    `sha256:${'A'.repeat(64)}`,
    'sha256:',
    `sha256-${hex}`,
    `md5:${'0'.repeat(32)}`,
    `sha512:${hex}`,
    `sha256:${'0'.repeat(100_000)}`,
    ':',
    '%zz',
    'a%2Fb',
    '__proto__',
  ];
  const rows = digests.flatMap((digest): Row[] => [
    ['GET', `/v2/${repository}/blobs/${digest}`, [400, 404]],
    ['HEAD', `/v2/${repository}/blobs/${digest}`, [400, 404]],
    ['DELETE', `/v2/${repository}/blobs/${digest}`, [400, 404]],
    ['GET', `/v2/${repository}/referrers/${digest}`, [400]],
    ['GET', `/v2/${repository}/manifests/${digest}`, [400, 404]],
    ['POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, [400], { body: 'x' }],
    ['POST', `/v2/${repository}/blobs/uploads/?mount=${digest}`, [202]],
  ]);
  test.each(titled(rows))('%s', async (_title, row) => {
    await expectRefused(row);
  });

  test.each(
    titled([
      ['GET', `/v2/${repository}/blobs/${randomDigest('sha512')}`, [404]],
      ['GET', blobPath.replace(':', '%3A'), [200]],
      ['GET', `/v2/${repository}/manifests/${blob.digest}`, [404]],
      [
        'POST',
        `/v2/${repository}/blobs/uploads/?digest=${randomDigest()}&digest=${randomDigest()}`,
        [400],
        { body: 'x' },
      ],
      ['POST', `/v2/${repository}/blobs/uploads/?digest-algorithm=__proto__`, [400]],
    ]),
  )('%s', async (_title, row) => {
    await expectRefused(row);
  });
});

describe('tags', () => {
  const bad = [
    '.x',
    '-x',
    'a@b',
    'a%2Fb',
    'a:b',
    'x'.repeat(129),
    '%C3%A9',
    'a%20b',
    'a%00',
    'a%0a',
    '%zz',
  ];
  const rows = bad.flatMap((tag): Row[] => [
    ['GET', `/v2/${repository}/manifests/${tag}`, [400, 404]],
    ['DELETE', `/v2/${repository}/manifests/${tag}`, [400, 404]],
    [
      'PUT',
      `/v2/${repository}/manifests/${tag}`,
      [400],
      { body: '{}', headers: { 'Content-Type': OCI_MANIFEST } },
    ],
  ]);
  test.each(titled(rows))('%s', async (_title, row) => {
    await expectRefused(row);
  });

  test.each(['x'.repeat(128), hex, '__proto__', 'constructor', '_'])(
    'the tag %s is a tag',
    async (tag) => {
      await push(repository, randomImage({ layers: [] }), tag);
      expect((await call('GET', `/v2/${repository}/manifests/${tag}`)).status).toBe(200);
    },
  );
});

describe('pages', () => {
  const lists = [
    '/v2/_catalog',
    `/v2/${repository}/tags/list`,
    `/v2/${repository}/referrers/${randomDigest()}`,
  ];
  const rows = lists.flatMap((path): Row[] => [
    ['GET', `${path}?n=-1`, [400]],
    ['GET', `${path}?n=x`, [400]],
    ['GET', `${path}?n=`, [400]],
    ['GET', `${path}?n=0`, [200]],
    ['GET', `${path}?n=9223372036854775808`, [200, 400]],
    ['GET', `${path}?n=1001`, [200, 400]],
    ['GET', `${path}?n=1&n=2`, [200, 400]],
    ['GET', `${path}?last=%00`, [200]],
    ['GET', `${path}?last=%zz`, [200]],
    ['GET', `${path}?last=%ED%A0%80`, [200]],
    ['GET', `${path}?last=${'x'.repeat(4000)}`, [200]],
    ['GET', `${path}?artifactType=%0d%0aX-Bad:%201`, [200]],
    ['GET', `${path}?__proto__=1`, [200]],
  ]);
  test.each(titled(rows))('%s', async (_title, row) => {
    await expectRefused(row);
  });

  test.each(
    titled(['n=x', 'n=-1', 'n=1.5'].map((query): Row => ['GET', `/v1/search?q=a&${query}`, [400]])),
  )('%s', async (_title, row) => {
    await expectRefused(row);
  });
});

describe('methods', () => {
  const paths = ['/v2/', '/v2/_catalog', `/v2/${repository}/tags/list`, '/v1/_ping', '/v1/search'];
  const rows = paths.flatMap((path): Row[] => [
    ['POST', path, [405], { body: 'x' }],
    ['PUT', path, [405], { body: 'x'.repeat(300_000) }],
    ['DELETE', path, [405]],
    ['PATCH', path, [405]],
    ['OPTIONS', path, [405]],
  ]);
  test.each(
    titled([
      ...rows,
      ['GET', '/', [404]],
      ['GET', '/v2/a', [404]],
      ['PUT', '/v3/x', [404], { body: 'x' }],
    ]),
  )('%s', async (_title, row) => {
    await expectRefused(row);
  });
});
