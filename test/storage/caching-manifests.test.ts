/** Manifests and tags near readers: what is remembered, for how long, and what never is. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import worker from '../../src/index.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import {
  bytesOf,
  call,
  expectError,
  header,
  newRepository,
  push,
  useRegistry,
} from '../support/client.ts';
import { cached, countDuring } from '../support/counting.ts';
import { elsewhere, ORIGIN } from '../support/elsewhere.ts';
import { randomImage } from '../support/images.ts';

beforeEach(() => useOpenRegistry());
afterEach(() => void vi.useRealTimers());

/** Asks the open registry, with other variables for this test. */
function useOpenRegistry(variables: { TAG_MAX_AGE?: string } = {}): void {
  useRegistry(ORIGIN, (request) => worker.fetch(request as never, { ...env, ...variables }));
}

test('by digest: warm without storage; deleted, gone at once', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image, 'v1');
  const path = `/v2/${repository}/manifests/${image.digest}`;
  await bytesOf(await call('GET', path));
  const counts = await countDuring(async () => {
    const response = await call('GET', path);
    expect(await bytesOf(response)).toEqual(image.bytes);
    expect(header(response, 'Content-Type')).toBe(image.mediaType);
  });
  expect(counts).toMatchObject({ r2ClassB: 0, d1Queries: 0, d1Batches: 0 });
  expect((await call('DELETE', path)).status).toBe(202);
  await expectError(await call('GET', path), 404, 'MANIFEST_UNKNOWN');
});

test('the same bytes keep the media type that each repository knows them by', async () => {
  const [first, second] = [newRepository(), newRepository()];
  const image = randomImage({ mediaType: undefined });
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  await push(first, image);
  await push(second, { ...image, mediaType: docker });
  for (const [repository, type] of [
    [first, image.mediaType],
    [second, docker],
    [first, image.mediaType],
  ] as const) {
    const response = await call('GET', `/v2/${repository}/manifests/${image.digest}`);
    expect(await bytesOf(response)).toEqual(image.bytes);
    expect(header(response, 'Content-Type')).toBe(type);
  }
});

test('a large one is read from R2 once', async () => {
  const repository = newRepository();
  const image = randomImage({ annotations: { large: 'x'.repeat(1_100_000) } });
  await push(repository, image);
  const path = `/v2/${repository}/manifests/${image.digest}`;
  expect(await bytesOf(await call('GET', path))).toEqual(image.bytes);
  await cached(ORIGIN, image);
  const counts = await countDuring(async () => bytesOf(await call('GET', path)));
  expect(counts).toMatchObject({ r2ClassB: 0, d1Queries: 0 });
});

test('one whose bytes have left the cache while it was remembered is read again', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image);
  const { manifests } = elsewhere(repository);
  const reference = { digest: parseDigest(image.digest) };
  await manifests.stat(reference);
  const found = await manifests.get(reference);
  expect(found.body).toBeNull();
  expect(await bytesOf(new Response(await manifests.open(found)))).toEqual(image.bytes);
});

test('a tag that moves is seen at once', async () => {
  const repository = newRepository();
  const path = `/v2/${repository}/manifests/v1`;
  for (const image of [randomImage(), randomImage()]) {
    await push(repository, image, 'v1');
    expect(await bytesOf(await call('GET', path))).toEqual(image.bytes);
    expect(await bytesOf(await call('GET', path))).toEqual(image.bytes);
  }
  expect((await call('DELETE', path)).status).toBe(202);
  await expectError(await call('GET', path), 404, 'MANIFEST_UNKNOWN');
});

test('with a maximum age for tags it is seen elsewhere after that time', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  useOpenRegistry({ TAG_MAX_AGE: '30' });
  const repository = newRepository();
  const [before, after] = [randomImage(), randomImage()];
  await push(repository, before, 'v1');
  vi.advanceTimersByTime(30_000); // a tag that has just moved is asked for
  const maxAges = { membership: 60, tag: 30 };
  const { manifests: far } = elsewhere(repository, new Isolate(), { maxAges });
  const reference = { tag: parseTag('v1') };
  expect((await far.get(reference)).digest).toBe(before.digest);
  await push(repository, after, 'v1');
  const here = await call('GET', `/v2/${repository}/manifests/v1`);
  expect(header(here, 'Docker-Content-Digest')).toBe(after.digest);
  vi.advanceTimersByTime(29_000);
  expect((await far.get(reference)).digest).toBe(before.digest);
  vi.advanceTimersByTime(1_000);
  expect((await far.get(reference)).digest).toBe(after.digest);
});
