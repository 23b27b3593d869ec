/** Upstreams that lie, and lines to them that break. */
import { expect, test } from 'vitest';
import { bytesOf, errorsOf, expectError } from '../../support/client.ts';
import { descriptorOf, manifestOf, OCI_MANIFEST, randomBlob } from '../../support/images.ts';
import {
  api,
  expectBytes,
  getBlob,
  getManifest,
  image,
  layerOf,
  newMirror,
  pullImage,
  upstream,
  usePlace,
} from './place.ts';
import type { Reply } from './upstream.ts';

usePlace();

/** A repository whose manifest is here already, of an image with one layer. */
async function given(size = 3_000_000) {
  const wanted = image(size);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror({ missingMaxAge: 0 })}/app`;
  await getManifest(repository, 'latest');
  return { repository, layer: layerOf(wanted) };
}

/** Answers requests for a blob one after the other; then the upstream does. */
function answerBlob(digest: string, ...replies: Reply[]): void {
  upstream.script = ({ path }) => (path.includes(digest) ? (replies.shift() ?? null) : null);
}

test('other bytes than the digest says: nobody gets all of them, nothing is kept, the next pull asks again', async () => {
  const { repository, layer } = await given();
  const { promise, resolve } = Promise.withResolvers<void>();
  answerBlob(layer.digest, { body: randomBlob(layer.bytes.byteLength).bytes, before: promise });
  const first = getBlob(repository, layer).then(bytesOf);
  await expect.poll(() => upstream.asked(layer.digest).length).toBe(1);
  const followers = [getBlob(repository, layer), getBlob(repository, layer)];
  resolve();
  await expect(first).rejects.toThrow();
  for (const follower of await Promise.all(followers)) {
    if (follower.status !== 200) {
      const [error] = await errorsOf(follower.clone());
      expect(error?.message).toContain('other bytes');
      await expectError(follower, 502, 'DIGEST_INVALID');
    }
  }
  await expectBytes(await getBlob(repository, layer), layer);
});

test('a blob that the quota has no room for is not asked for', async () => {
  const { repository, layer } = await given();
  const namespace = repository.split('/', 1)[0];
  await api('PATCH', `/namespaces/${namespace}/quota`, { bytes: 1_000_000 });
  await expectError(await getBlob(repository, layer), 403, 'DENIED');
  expect(upstream.asked(layer.digest)).toEqual([]);
  await api('PATCH', `/namespaces/${namespace}/quota`, { bytes: null });
  await expectBytes(await getBlob(repository, layer), layer);
});

test('another size than its manifest says: it is refused before a byte of it goes anywhere', async () => {
  const { repository, layer } = await given();
  answerBlob(layer.digest, { body: layer.bytes.subarray(1) });
  await expectError(await getBlob(repository, layer), 502, 'DIGEST_INVALID');
  await expectBytes(await getBlob(repository, layer), layer);
});

test('more bytes than its manifest says, of an answer without a length', async () => {
  const { repository, layer } = await given();
  answerBlob(layer.digest, {
    headers: { 'Transfer-Encoding': 'chunked' },
    body: Buffer.concat([layer.bytes, layer.bytes]),
  });
  await expect(getBlob(repository, layer).then(bytesOf)).rejects.toThrow();
  await expectBytes(await getBlob(repository, layer), layer);
});

test('a blob that no manifest names and whose length nobody knows', async () => {
  const repository = `${await newMirror()}/app`;
  const blob = randomBlob(9_000_000);
  answerBlob(blob.digest, { headers: { 'Transfer-Encoding': 'chunked' }, body: blob.bytes });
  await expectBytes(await getBlob(repository, blob), blob);
  await expectBytes(await getBlob(repository, blob), blob);
  expect(upstream.asked(blob.digest)).toHaveLength(1);
});

test('the same with other bytes', async () => {
  const repository = `${await newMirror()}/app`;
  const blob = randomBlob(9_000_000);
  const headers = { 'Transfer-Encoding': 'chunked' };
  answerBlob(
    blob.digest,
    { headers, body: randomBlob(9_000_000).bytes },
    { headers, body: blob.bytes },
  );
  await expectError(await getBlob(repository, blob), 502, 'DIGEST_INVALID');
  await expectBytes(await getBlob(repository, blob), blob);
});

test.each<[string, string, Reply, number, string]>([
  ['manifest bytes of another digest', 'digest', { body: '{}' }, 502, 'DIGEST_INVALID'],
  [
    'a manifest that is too large',
    'digest',
    { body: new Uint8Array(5_000_000) },
    503,
    'UNAVAILABLE',
  ],
  [
    'a manifest that is cut off',
    'digest',
    { body: '{}', headers: { 'Content-Length': '9' }, cutAfter: 2 },
    503,
    'UNAVAILABLE',
  ],
  [
    'a manifest of an unknown type',
    'tag',
    {
      body: '{"schemaVersion":1}',
      headers: { 'Content-Type': 'application/vnd.docker.distribution.manifest.v1+json' },
    },
    502,
    'DIGEST_INVALID',
  ],
  [
    'what is no manifest',
    'tag',
    { body: '<html>', headers: { 'Content-Type': OCI_MANIFEST } },
    502,
    'DIGEST_INVALID',
  ],
])('%s: nothing is kept, the next pull asks again', async (_what, kind, reply, status, code) => {
  const wanted = image(1000);
  const repository = `${await newMirror({ missingMaxAge: 0 })}/app`;
  upstream.add('app', wanted, 'latest');
  let lies = 1;
  upstream.script = ({ path }) => (path.includes('/manifests/') && lies-- > 0 ? reply : null);
  const reference = kind === 'tag' ? 'latest' : wanted.digest;
  await expectError(await getManifest(repository, reference), status, code);
  await pullImage(repository, wanted, reference);
});

test('a manifest whose tag comes with the digest of another', async () => {
  const wanted = image(1000);
  const repository = `${await newMirror()}/app`;
  upstream.script = () => ({
    headers: { 'Content-Type': OCI_MANIFEST, 'Docker-Content-Digest': layerOf(wanted).digest },
    body: wanted.bytes,
  });
  await expectError(await getManifest(repository, 'latest'), 502, 'DIGEST_INVALID');
});

test('a descriptor with the wrong size', async () => {
  const layer = randomBlob(1000);
  const descriptor = { ...descriptorOf(layer), size: 999 };
  const wanted = manifestOf({ schemaVersion: 2, config: descriptor, layers: [] }, OCI_MANIFEST, [
    layer,
  ]);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror()}/app`;
  await expectBytes(await getManifest(repository, 'latest'), wanted);
  await expectError(await getBlob(repository, layer), 502, 'DIGEST_INVALID');
});

test('a line that breaks is taken up where it broke', async () => {
  const { repository, layer } = await given();
  answerBlob(layer.digest, { body: layer.bytes, cutAfter: 2_000_000 });
  await expectBytes(await getBlob(repository, layer), layer);
  const [, rest] = upstream.seen.filter(({ path }) => path.includes(layer.digest));
  expect(Number(/^bytes=(\d+)-$/.exec(rest?.range ?? '')?.[1])).toBeGreaterThan(1_000_000);
});

test('also when the upstream knows no ranges, or sends others than it was asked for', async () => {
  const { repository, layer } = await given();
  const { bytes } = layer;
  answerBlob(
    layer.digest,
    { body: bytes, cutAfter: 2_000_000 },
    { body: bytes, cutAfter: 2_500_000 },
    {
      status: 206,
      headers: { 'Content-Range': `bytes 100-${bytes.byteLength - 1}/${bytes.byteLength}` },
      body: bytes.subarray(100),
    },
  );
  await expectBytes(await getBlob(repository, layer), layer);
});

test('one that always breaks ends, and the next pull asks again', async () => {
  const { repository, layer } = await given();
  const broken = { body: layer.bytes, cutAfter: 1000 };
  answerBlob(layer.digest, broken, broken, broken, broken);
  await expect(getBlob(repository, layer).then(bytesOf)).rejects.toThrow();
  await expectBytes(await getBlob(repository, layer), layer);
});

test('one that stands still is taken up again; a manifest that does ends', async () => {
  const { repository, layer } = await given();
  const layerStops = { body: layer.bytes, hangsAfter: 1_000_000 };
  const replies = [layerStops];
  upstream.script = ({ path }) =>
    path.endsWith('/manifests/other')
      ? { body: 'x'.repeat(100), hangsAfter: 10 }
      : path.includes(layer.digest)
        ? (replies.shift() ?? null)
        : null;
  const [blob, manifest] = await Promise.all([
    getBlob(repository, layer),
    getManifest(repository, 'other'),
  ]);
  await expectBytes(blob, layer);
  await expectError(manifest, 503, 'UNAVAILABLE');
});
