/** Many who pull the same from a mirror at once, of whom some leave or take their time. */
import { get } from 'node:http';
import { expect, test } from 'vitest';
import { ADMIN } from './administrator.ts';
import {
  expectBytes,
  getBlob,
  getManifest,
  image,
  layerOf,
  newMirror,
  pullImage,
  registry,
  upstream,
  usePlace,
} from './place.ts';

usePlace();

test('200 cold pulls of one image ask the upstream once for each of its parts', async () => {
  const wanted = image(300_000, 70_000, 1000);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror()}/app`;
  await Promise.all(Array.from({ length: 200 }, () => pullImage(repository, wanted)));
  const blobs = wanted.blobs.map(({ digest }) => `GET /v2/app/blobs/${digest}`);
  expect(upstream.asked().sort()).toEqual([...blobs, 'GET /v2/app/manifests/latest'].sort());
});

test('the same blob for two repositories of a mirror is fetched once', async () => {
  const wanted = image(100_000);
  upstream.add('one', wanted, 'latest');
  upstream.add('two', wanted, 'latest');
  const mirror = await newMirror();
  await Promise.all([
    pullImage(`${mirror}/one`, wanted),
    pullImage(`${mirror}/two`, wanted),
    pullImage(`${mirror}/one`, wanted),
  ]);
  const gets = upstream.asked(layerOf(wanted).digest).filter((line) => line.startsWith('GET'));
  expect(gets).toHaveLength(1);
});

test('what one repository does not have, another may have', async () => {
  const wanted = image(1000);
  const mirror = await newMirror({ missingMaxAge: 3600 });
  upstream.addBlob('two', layerOf(wanted));
  const [one, two] = await Promise.all([
    getBlob(`${mirror}/one`, layerOf(wanted)),
    getBlob(`${mirror}/two`, layerOf(wanted)),
  ]);
  expect(one.status).toBe(404);
  await expectBytes(two, layerOf(wanted));
});

/** Sends what it has in two halves, the second when `finish` is called. */
function inHalves(digest: string, bytes: Uint8Array): () => void {
  const second = Promise.withResolvers<void>();
  const half = bytes.byteLength / 2;
  upstream.script = ({ path, range }) => {
    if (!path.includes(digest)) {
      return null;
    }
    if (range === null) {
      return { body: bytes, cutAfter: half };
    }
    const first = Number(/\d+/.exec(range)?.[0]);
    return {
      status: 206,
      headers: { 'Content-Range': `bytes ${first}-${bytes.byteLength - 1}/${bytes.byteLength}` },
      body: bytes.subarray(first),
      before: second.promise,
    };
  };
  return second.resolve;
}

/** A client that reads nothing of the body unless told. */
async function open(repository: string, digest: string) {
  const url = `${registry.url}/v2/${repository}/blobs/${digest}`;
  return new Promise<{ leave: () => void; read: () => Promise<Buffer> }>((resolve, reject) => {
    const request = get(url, { headers: { Authorization: ADMIN } }, (response) => {
      response.on('error', () => {});
      resolve({
        leave: () => request.destroy(),
        read: async () => Buffer.concat(await response.toArray()),
      });
    });
    request.on('error', reject);
  });
}

test('the first client leaves in the middle: the others get it, and it is not fetched again', async () => {
  const wanted = image(4_000_000);
  const layer = layerOf(wanted);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror()}/app`;
  await getManifest(repository, 'latest');
  const finish = inHalves(layer.digest, layer.bytes);
  const first = await open(repository, layer.digest);
  const others = Array.from({ length: 20 }, () => getBlob(repository, layer));
  await expect.poll(() => upstream.asked(layer.digest).length).toBe(2);
  first.leave();
  finish();
  await Promise.all(others.map(async (other) => expectBytes(await other, layer)));
  await expectBytes(await getBlob(repository, layer), layer);
  expect(
    upstream.seen.filter(({ path, range }) => path.includes(layer.digest) && !range),
  ).toHaveLength(1);
  expect(upstream.asked(layer.digest)).toHaveLength(2);
});

test('the only client leaves in the middle: it is stored all the same', async () => {
  const wanted = image(4_000_000);
  const layer = layerOf(wanted);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror()}/app`;
  await getManifest(repository, 'latest');
  const finish = inHalves(layer.digest, layer.bytes);
  const first = await open(repository, layer.digest);
  await expect.poll(() => upstream.asked(layer.digest).length).toBe(2);
  first.leave();
  finish();
  await expectBytes(await getBlob(repository, layer), layer);
  expect(upstream.asked(layer.digest)).toHaveLength(2);
});

test('a first client who reads nothing holds nobody up, and gets it all in the end', async () => {
  const wanted = image(60_000_000);
  const layer = layerOf(wanted);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror()}/app`;
  await getManifest(repository, 'latest');
  const first = await open(repository, layer.digest);
  await expectBytes(await getBlob(repository, layer), layer);
  expect(Buffer.compare(await first.read(), layer.bytes)).toBe(0);
  expect(upstream.asked(layer.digest)).toHaveLength(1);
});
