/** What a tag named at a time, through the protocol. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  bytesOf,
  call,
  errorsOf,
  expectError,
  newRepository,
  push,
  pushManifest,
} from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { randomImage } from '../support/images.ts';

const repository = newRepository();
const [first, second] = [randomImage(), randomImage()];
const get = (reference: string, method = 'GET') =>
  call(method, `/v2/${repository}/manifests/${reference}`);

/** The changes of the tag "v1", at known times: first, second, deleted. */
const TIMES = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:30Z', '2026-03-01T00:00:00Z'];

beforeAll(async () => {
  await push(repository, first, 'v1');
  await push(repository, second, 'v1');
  await call('DELETE', `/v2/${repository}/manifests/v1`);
  const { results } = await env.DB.prepare(
    "SELECT id FROM tag_history WHERE name = 'v1' ORDER BY id",
  ).all<{
    id: number;
  }>();
  for (const [place, { id }] of results.entries()) {
    await env.DB.prepare('UPDATE tag_history SET at = ?1 WHERE id = ?2')
      .bind(Date.parse(TIMES[place] ?? '') / 1000, id)
      .run();
  }
});

test.each([
  ['2026-01-01T00:00Z', first],
  ['2026-01-01T00:00:00.999Z', first],
  ['2026-02-01T00:00Z', first],
  ['2026-02-01T00:00:30Z', second],
  ['2026-02-01T01:00:30+01:00', second],
  ['2026-01-31T23:30:30-00:30', second],
  ['2026-02-28t23:59:59z', second],
  ['2026-02-01T00%3A00%3A30Z', second],
  ['2026-02-01T01:00:30%2B01:00', second],
])('v1@%s', async (time, image) => {
  for (const separator of ['@', '%40']) {
    const answer = await get(`v1${separator}${time}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Docker-Content-Digest')).toBe(image.digest);
    expect(answer.headers.get('Cache-Control')).toBe('no-cache, no-transform');
    expect(Buffer.compare(await bytesOf(answer), image.bytes)).toBe(0);
  }
  const head = await get(`v1@${time}`, 'HEAD');
  expect([head.status, head.headers.get('Content-Length')]).toEqual([
    200,
    String(image.bytes.byteLength),
  ]);
});

describe('404 says why', () => {
  const message = async (reference: string) => {
    const answer = await get(reference);
    await expectError(answer, 404, 'MANIFEST_UNKNOWN');
    return (await errorsOf(answer))[0]?.message;
  };

  test('there was no such tag', async () => {
    for (const reference of [
      'v1@2025-12-31T23:59:59Z',
      'v1@2026-03-01T00:00Z',
      'v9@2026-01-01T00:00Z',
    ]) {
      expect(await message(reference)).toMatch(/^there was no tag v\d at 20/);
    }
    const elsewhere = await call('GET', `/v2/${newRepository()}/manifests/v1@2026-01-01T00:00Z`);
    await expectError(elsewhere, 404, 'MANIFEST_UNKNOWN');
  });

  test('the manifest is deleted, or gone', async () => {
    await call('DELETE', `/v2/${repository}/manifests/${first.digest}`);
    const text = await message('v1@2026-01-15T00:00Z');
    expect(text).toContain(first.digest);
    expect(text).toMatch(/can be restored until 20\d\d-/);
    await env.DB.prepare('UPDATE deleted_manifests SET expires_at = 0').run();
    expect(await message('v1@2026-01-15T00:00Z')).toMatch(/which is gone$/);
  });
});

test.each([
  'v1@2026-13-01T00:00Z',
  'v1@2026-02-30T00:00Z',
  'v1@2026-02-01T24:00Z',
  'v1@2026-02-01T00:00',
  'v1@2026-02-01T00:00+25:00',
  'v1@2026-02-01',
  'v1@now',
  '-v1@2026-02-01T00:00Z',
])('%s is no tag at a time', async (reference) => {
  await expectError(await get(reference), 400, 'TAG_INVALID');
});

test('nothing is written or deleted at a time', async () => {
  const reference = 'v1@2026-02-15T00:00Z';
  await expectError(await pushManifest(repository, second, reference), 400, 'TAG_INVALID');
  await expectError(await get(reference, 'DELETE'), 400, 'TAG_INVALID');
  const tagged = `${second.digest}?tag=${encodeURIComponent(reference)}`;
  await expectError(await pushManifest(repository, second, tagged), 400, 'TAG_INVALID');
});

test('costs one query', async () => {
  const counts = await countDuring(() => get('v1@2026-02-15T00:00Z'));
  expect(counts).toMatchObject({ d1Queries: 1, d1Batches: 0, r2ClassB: 0 });
});
