/** A fetch when the bucket fails. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { fetchBlob } from '../../src/mirror/fetch-blob.ts';
import type { Source } from '../../src/mirror/source.ts';
import type { UpstreamClient } from '../../src/upstream/client.ts';
import { call, newRepository } from '../support/client.ts';
import { failing, withFaults } from '../support/faults.ts';
import { randomBlob, type TestBlob } from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';

/** An upstream that has one blob, and a bucket that fails once. */
function sourceOf({ bytes }: TestBlob, repository: string): Source {
  const client = { ask: async () => new Response(bytes) } as unknown as UpstreamClient;
  const stores = newStores(undefined, { bucket: withFaults(env.BUCKET, failing('put', 'before')) });
  const upstream = { namespace: repository.split('/', 1)[0] } as Source['upstream'];
  return {
    ...{ client, upstream, stores, sessions: env.UPLOADS },
    ...{ repository: repository as Source['repository'], remote: 'app' },
  };
}

test('a bucket that takes nothing ends the fetch, and the next one succeeds', async () => {
  const repository = newRepository();
  const blob = randomBlob(3_000_000);
  const source = sourceOf(blob, repository);
  const digest = blob.digest as Parameters<typeof fetchBlob>[1];
  const failed = await fetchBlob(source, digest, blob.bytes.byteLength, () => true);
  await expect(new Response(failed.readable).arrayBuffer()).rejects.toThrow();
  await expect(failed.stored).rejects.toThrow('try again');
  expect(await query('SELECT count(*) FROM uploads')).toEqual([0]);
  const { readable, stored } = await fetchBlob(source, digest, blob.bytes.byteLength, () => true);
  expect((await new Response(readable).arrayBuffer()).byteLength).toBe(blob.bytes.byteLength);
  await stored;
  const { status } = await call('HEAD', `/v2/${repository}/blobs/${blob.digest}`);
  expect(status).toBe(200);
});
