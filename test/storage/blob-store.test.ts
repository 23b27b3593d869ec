/** The bucket, read in windows as `npm start` does. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { BlobStore } from '../../src/storage/blob-store.ts';
import { randomBlob } from '../support/images.ts';

fc.configureGlobal({ seed: inject('seed') });

const PART = 5 * 2 ** 20; // bytes: R2 takes no smaller one

async function putWhole(key: string): Promise<Uint8Array> {
  const { bytes, digest } = randomBlob(5000);
  await new BlobStore(env.BUCKET).put(key, bytes, parseDigest(digest));
  return bytes;
}

async function putParts(key: string): Promise<Uint8Array> {
  const { bytes } = randomBlob(2.5 * PART);
  const upload = await env.BUCKET.createMultipartUpload(key);
  const parts: R2UploadedPart[] = [];
  for (let start = 0; start < bytes.byteLength; start += PART) {
    parts.push(await upload.uploadPart(parts.length + 1, bytes.slice(start, start + PART)));
  }
  await upload.complete(parts);
  return bytes;
}

test.each([
  ['one put', putWhole],
  ['several parts', putParts],
])('openRange: the same bytes of an object of %s whatever the window', async (_title, put) => {
  const key = 'test/windows';
  const bytes = await put(key);
  const size = bytes.byteLength;
  const arbitraryRange = fc
    .tuple(fc.nat(size - 1), fc.integer({ min: 1, max: size }))
    .map(([offset, length]) => ({ offset, length: Math.min(length, size - offset) }));
  await fc.assert(
    fc.asyncProperty(
      arbitraryRange,
      fc.integer({ min: Math.ceil(size / 50), max: size + 1000 }),
      async ({ offset, length }, window) => {
        const content = await new BlobStore(env.BUCKET, window).openRange(key, offset, length);
        const read = await new Response(content?.body).arrayBuffer();
        await content?.served;
        expect(Buffer.compare(new Uint8Array(read), bytes.slice(offset, offset + length))).toBe(0);
      },
    ),
    { numRuns: 20 },
  );
  await env.BUCKET.delete(key);
});

test('openRange: null for a key without an object', async () => {
  expect(await new BlobStore(env.BUCKET, 10).openRange('test/none', 0, 100)).toBeNull();
});
