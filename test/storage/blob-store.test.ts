/** The bucket, read in windows as `npm start` does. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { BlobStore } from '../../src/storage/blob-store.ts';
import { randomBlob } from '../support/images.ts';

fc.configureGlobal({ seed: inject('seed') });

test('openRange: the same bytes whatever the window', async () => {
  const { bytes, digest } = randomBlob(5000);
  await new BlobStore(env.BUCKET).put('test/windows', bytes, parseDigest(digest));
  const arbitraryRange = fc
    .tuple(fc.nat(4999), fc.integer({ min: 1, max: 5000 }))
    .map(([offset, length]) => ({ offset, length: Math.min(length, 5000 - offset) }));
  await fc.assert(
    fc.asyncProperty(
      arbitraryRange,
      fc.integer({ min: 100, max: 6000 }),
      async ({ offset, length }, window) => {
        const store = new BlobStore(env.BUCKET, window);
        const read = await new Response(
          await store.openRange('test/windows', offset, length),
        ).arrayBuffer();
        expect(Buffer.compare(new Uint8Array(read), bytes.slice(offset, offset + length))).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
  await env.BUCKET.delete('test/windows');
});

test('openRange: null for a key without an object', async () => {
  expect(await new BlobStore(env.BUCKET, 10).openRange('test/none', 0, 100)).toBeNull();
});
