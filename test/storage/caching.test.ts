/** Blobs near readers: what is remembered, for how long, and what never is. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import worker from '../../src/index.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import { createNamespace, createRobot } from '../support/accounts.ts';
import {
  bytesOf,
  call,
  expectError,
  header,
  newRepository,
  push,
  pushBlob,
  pushManifest,
  useRegistry,
} from '../support/client.ts';
import { closedEnv } from '../support/closed.ts';
import { cached, contentKey, countDuring, isCached } from '../support/counting.ts';
import { elsewhere, ORIGIN } from '../support/elsewhere.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';

const SMALL = 1000; // bytes: in the memory of the isolate
const LARGE = 2 ** 21; // bytes: streamed

/** Asks the open registry, with other variables for this test. */
function useOpenRegistry(variables: { MEMBERSHIP_MAX_AGE?: string } = {}): void {
  useRegistry(ORIGIN, (request) => worker.fetch(request as never, { ...env, ...variables }));
}

beforeEach(() => useOpenRegistry());
afterEach(() => void vi.useRealTimers());

async function pushed(size: number, repository = newRepository()) {
  const blob = randomBlob(size);
  await pushBlob(repository, blob);
  return { repository, blob, path: `/v2/${repository}/blobs/${blob.digest}` };
}

describe.each([
  ['in memory', SMALL],
  ['in the edge cache', LARGE],
])('content %s', (_title, size) => {
  test('ranges and conditions are answered from the whole', async () => {
    const { blob, path } = await pushed(size);
    await bytesOf(await call('GET', path, { headers: { Range: 'bytes=5-9' } })); // a part is not kept
    await cached(ORIGIN, blob);
    await bytesOf(await call('GET', path));
    const counts = await countDuring(async () => {
      const whole = await call('GET', path);
      expect(await bytesOf(whole)).toEqual(blob.bytes);
      expect(header(whole, 'Content-Length')).toBe(String(size));
      for (const [range, first, last] of [
        ['bytes=0-0', 0, 0],
        ['bytes=10-99', 10, 99],
        ['bytes=-7', size - 7, size - 1],
        [`bytes=100-${size + 5}`, 100, size - 1],
      ] as const) {
        const part = await call('GET', path, { headers: { Range: range } });
        expect(part.status).toBe(206);
        expect(header(part, 'Content-Range')).toBe(`bytes ${first}-${last}/${size}`);
        expect(await bytesOf(part)).toEqual(blob.bytes.slice(first, last + 1));
      }
      await expectError(
        await call('GET', path, { headers: { Range: `bytes=${size}-` } }),
        416,
        'RANGE_INVALID',
      );
      const unchanged = await call('GET', path, {
        headers: { 'If-None-Match': `"${blob.digest}"` },
      });
      expect(unchanged.status).toBe(304);
    });
    expect(counts).toMatchObject({ r2ClassB: 0, d1Queries: 0, d1Batches: 0 });
  });

  test('one copy serves every repository that has it, and no other', async () => {
    const { blob, path } = await pushed(size);
    await bytesOf(await call('GET', path));
    await cached(ORIGIN, blob);
    const other = newRepository();
    await expectError(await call('GET', `/v2/${other}/blobs/${blob.digest}`), 404, 'BLOB_UNKNOWN');
    await pushBlob(other, blob);
    const counts = await countDuring(async () => {
      const response = await call('GET', `/v2/${other}/blobs/${blob.digest}`);
      expect(await bytesOf(response)).toEqual(blob.bytes);
    });
    expect(counts).toMatchObject({ r2ClassB: 0, d1Queries: 1 });
  });

  test('what is deleted is gone at once, and back at once when it is pushed again', async () => {
    const { repository, blob, path } = await pushed(size);
    await bytesOf(await call('GET', path));
    expect((await call('DELETE', path)).status).toBe(202);
    await expectError(await call('GET', path), 404, 'BLOB_UNKNOWN');
    await expect(elsewhere(repository).blobs.stat(parseDigest(blob.digest))).rejects.toThrow();
    await pushBlob(repository, blob);
    expect(await bytesOf(await call('GET', path))).toEqual(blob.bytes);
  });
});

test('another isolate finds in the edge cache what this one has learned', async () => {
  const { repository, blob, path } = await pushed(SMALL);
  await bytesOf(await call('GET', path));
  await cached(ORIGIN, blob);
  const counts = await countDuring(async () => {
    const { blobs } = elsewhere(repository);
    const found = await blobs.stat(parseDigest(blob.digest));
    expect(new Uint8Array((await blobs.open(found, null)) as Uint8Array)).toEqual(blob.bytes);
  });
  expect(counts).toMatchObject({ r2ClassB: 0, d1Queries: 0, cacheLookups: 2 });
});

test('another isolate forgets what was deleted after 60 seconds, and not before it has to', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { repository, blob, path } = await pushed(SMALL);
  const digest = parseDigest(blob.digest);
  const { blobs } = elsewhere(repository);
  expect(await blobs.stat(digest)).toMatchObject({ digest });
  expect((await call('DELETE', path)).status).toBe(202);
  vi.advanceTimersByTime(59_000);
  expect(await blobs.stat(digest)).toMatchObject({ digest });
  vi.advanceTimersByTime(1_000);
  await expect(blobs.stat(digest)).rejects.toThrow();
});

test('with a maximum age of 0 nothing is remembered but the bytes', async () => {
  useOpenRegistry({ MEMBERSHIP_MAX_AGE: '0' });
  const { path } = await pushed(SMALL);
  await bytesOf(await call('GET', path));
  const counts = await countDuring(async () => bytesOf(await call('GET', path)));
  expect(counts).toMatchObject({ r2ClassB: 0, d1Queries: 1 });
});

test('an answer that a delete has overtaken is not remembered', async () => {
  const { repository, blob, path } = await pushed(SMALL);
  const isolate = new Isolate();
  const stores = newStores(isolate);
  const name = parseRepositoryName(repository);
  const recall = (find: () => Promise<unknown>) =>
    stores.memberships.recall('blobs', name, blob.digest, find);
  await recall(async () => {
    expect((await call('DELETE', path)).status).toBe(202);
    await stores.memberships.forget('blobs', name, [blob.digest]);
    return 'as it was before the delete';
  });
  expect(await recall(async () => null)).toBeNull();
});

test('one who may push is told what the database knows', async () => {
  const { blob, path } = await pushed(SMALL);
  await bytesOf(await call('GET', path));
  await env.DB.batch([
    env.DB.prepare('DELETE FROM repository_blobs WHERE digest = ?1').bind(blob.digest),
  ]);
  expect((await call('HEAD', path)).status).toBe(404);
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image);
  const manifest = `/v2/${repository}/manifests/${image.digest}`;
  await bytesOf(await call('GET', manifest));
  await env.DB.prepare('DELETE FROM manifests WHERE digest = ?1').bind(image.digest).run();
  expect((await call('HEAD', manifest)).status).toBe(404);
  expect((await pushManifest(repository, image)).status).toBe(201);
});

test('who may not pull learns nothing from what is cached', async () => {
  const namespace = newRepository().split('/')[0] ?? '';
  await createNamespace(`${namespace}-private`);
  const repository = `${namespace}-private/app`;
  const { blob, path } = await pushed(SMALL, repository);
  const robot = await createRobot(`${namespace}-private`, 'ci', 'reader');
  useRegistry('https://registry.test', (request) => worker.fetch(request as never, closedEnv()));
  const allowed = await call('GET', path, { headers: robot.headers });
  expect(await bytesOf(allowed)).toEqual(blob.bytes);
  expect((await call('GET', path)).status).toBe(401);
  for (const key of [await contentKey(blob.digest), `blobs/${repository}/${blob.digest}`]) {
    const response = await call('GET', `/edge-cache/${key}`, { headers: robot.headers });
    expect(response.status).toBe(404);
  }
});

describe('filling', () => {
  test('a read of R2 that breaks off stores nothing', async () => {
    const { repository, blob, path } = await pushed(LARGE);
    const digest = parseDigest(blob.digest);
    let reads = 0;
    const bucket = new Proxy(env.BUCKET, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') {
          return member;
        }
        return async (...parameters: unknown[]) => {
          reads += 1;
          if (name === 'get' && reads === 2) {
            throw new Error('get: network connection lost');
          }
          return Reflect.apply(member, target, parameters);
        };
      },
    });
    const isolate = new Isolate();
    const { content, memberships, metadata } = newStores(isolate, { bucket });
    const name = parseRepositoryName(repository);
    const found = await memberships.recall('blobs', name, digest, () =>
      metadata.blobs.find(name, digest),
    );
    if (found === null) {
      throw new Error('the blob is not there');
    }
    const body = await content.open(found, null);
    expect(new Uint8Array(await new Response(body as ReadableStream).arrayBuffer())).toEqual(
      blob.bytes,
    );
    await expect.poll(() => isolate.filling.get(found.key)).toBeUndefined();
    expect(reads).toBe(2);
    expect(await isCached(ORIGIN, await contentKey(digest))).toBe(false);
    expect(await bytesOf(await call('GET', path))).toEqual(blob.bytes);
  });

  test('what the cache does not take is read from R2, each time', async () => {
    const { blob, path } = await pushed(LARGE);
    await env.DB.prepare('UPDATE blobs SET size = 512000001 WHERE digest = ?1')
      .bind(blob.digest)
      .run();
    const counts = await countDuring(async () => {
      for (let time = 0; time < 2; time++) {
        const response = await call('GET', path, { headers: { Range: 'bytes=0-99' } });
        expect(await bytesOf(response)).toEqual(blob.bytes.slice(0, 100));
      }
    });
    // One look-up of the membership, and one before the location is told of it.
    await expect.poll(() => counts).toMatchObject({ r2ClassB: 2, cacheLookups: 2 });
  });

  test.each([
    ['where there is a cache', ORIGIN, 0, true],
    ['not on workers.dev, where there is none', 'https://edgewater.alice.workers.dev', 0, false],
    ['not while the cache does not keep what it is given', ORIGIN, 60_000, false],
  ])('%s', async (_title, origin, pause, isFilled) => {
    const { blob } = await pushed(LARGE);
    const isolate = new Isolate();
    isolate.fillsPausedUntil = Date.now() + pause;
    const { content } = newStores(isolate, {}, origin);
    const key = String((await query('SELECT r2_key FROM blobs WHERE digest = ?1', blob.digest))[0]);
    const body = await content.open({ key, size: LARGE }, null);
    expect(isolate.filling.get(key) !== undefined).toBe(isFilled);
    expect(await bytesOf(new Response(body))).toEqual(blob.bytes);
  });
});
