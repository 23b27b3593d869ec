/** A backup in a bucket: what it has, what breaks on the way, and that a registry comes back from it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Fault, Seen } from '../../../scripts/clients/edge.ts';
import { bytesOf, call, push } from '../../support/client.ts';
import {
  descriptorOf,
  digestOf,
  manifestOf,
  OCI_CONFIG,
  OCI_MANIFEST,
  randomBlob,
  randomImage,
  type TestManifest,
} from '../../support/images.ts';
import { Bucket, KEY } from './bucket.ts';
import { endOf, Place } from './place.ts';

const PLACE = "s3://saved/of it's first/day (1)"; // a prefix may have what URLs have to quote
const MINUTES = 180_000; // milliseconds

/** Two layers of several parts, the second one just as long as three. */
const PART = 16 * 2 ** 20; // bytes
const layers = [randomBlob(2 * PART + 1), randomBlob(3 * PART)];
const config = randomBlob(200);
const large = manifestOf(
  {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, OCI_CONFIG),
    layers: layers.map((layer) => descriptorOf(layer)),
  },
  OCI_MANIFEST,
  [config, ...layers],
);
const small = randomImage();
const BLOBS = large.blobs.length + small.blobs.length;

let place: Place;
let bucket: Bucket;

beforeAll(async () => {
  [place, bucket] = await Promise.all([Place.make(), Bucket.start()]);
  await place.start('first');
  await push('acme/large', large, 'v1');
  await push('acme/small', small, 'v1');
});

beforeEach(() => {
  place.environment = { ...KEY, AWS_ENDPOINT_URL: bucket.endpoint };
  bucket.begin();
});

afterAll(async () => {
  await Promise.all([place.remove(), bucket.stop()]);
});

const backup = (...options: string[]) =>
  place.json<{ file: string; blobs: object }>('backup', PLACE, '--blobs', '--quiet', ...options);

const isBlob = ({ path }: Seen) => path.includes('/blobs/sha256/');

const isRead = ({ method, path }: Seen) =>
  method === 'GET' && layers.some(({ digest }) => path.endsWith(digest.slice(7)));

/** What the bucket says to a key that was taken back. */
const SHUT: Fault = {
  kind: 'answer',
  status: 403,
  body: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
};

const isPart = ({ method, path }: Seen) => method === 'PUT' && path.includes('partNumber=');

const keyOf = (digest: string) =>
  `${PLACE.slice('s3://saved/'.length)}/blobs/sha256/${digest.slice(7)}`;

async function blobKeys(): Promise<string[]> {
  return (await bucket.keys()).filter((key) => key.includes('/blobs/')).sort();
}

async function expectImage(repository: string, image: TestManifest): Promise<void> {
  const read = await call('GET', `/v2/${repository}/manifests/v1`);
  expect(Buffer.compare(await bytesOf(read), image.bytes)).toBe(0);
  for (const { digest, bytes } of image.blobs) {
    const response = await call('GET', `/v2/${repository}/blobs/${digest}`);
    expect(Buffer.compare(await bytesOf(response), bytes), digest).toBe(0);
  }
}

test(
  'broken off in the middle of a blob: what is there is whole, and the rest comes by the same command',
  async () => {
    let puts = 0;
    const child = place.spawn('backup', PLACE, '--blobs', '--quiet', '--concurrency', '1');
    bucket.begin((request) => {
      puts += request.method === 'PUT' && isBlob(request) ? 1 : 0;
      if (puts !== 4) {
        return null;
      }
      child.kill('SIGINT');
      return { kind: 'cut', after: 100 };
    });
    const { code, stderr } = await endOf(child);
    expect(code).toBe(1);
    expect(stderr).toContain(`broken off; the same command goes on with what ${PLACE} has
`);
    const arrived = await blobKeys();
    expect(arrived.length).toBeLessThan(BLOBS);
    for (const key of arrived) {
      const bytes = await bucket.bytes(key);
      const { digest } =
        [...large.blobs, ...small.blobs].find((blob) => keyOf(blob.digest) === key) ?? {};
      expect(digestOf(bytes)).toBe(digest);
    }

    bucket.begin();
    const { blobs } = await backup();
    expect(blobs).toEqual({
      fetched: BLOBS - arrived.length,
      present: arrived.length,
      deleted: 0,
      failed: [],
    });
  },
  MINUTES,
);

test('again: nothing is sent but the metadata, however much there is', async () => {
  const others = Array.from({ length: 1001 }, (_, at) =>
    keyOf(`sha256:${String(at).padStart(64, '0')}`),
  );
  await Promise.all(others.map((key) => bucket.r2.put(key, ''))); // a list has a thousand keys
  const { blobs } = await backup();
  expect(blobs).toEqual({ fetched: 0, present: BLOBS, deleted: 0, failed: [] });
  expect(bucket.seen('PUT').map((path) => path.replace(/.*\//, '').slice(0, 8))).toEqual([
    'metadata',
    'keys-202',
  ]);
  expect(bucket.seen('POST')).toEqual([]);
  expect((await place.run('backup', PLACE)).stdout).toContain('has the bytes of all its blobs');
  await bucket.r2.delete(others.slice(0, 1000));
  await bucket.r2.delete(others.slice(1000));
});

test(
  'what breaks on the line is sent again',
  async () => {
    const faults: Fault[] = [
      { kind: 'damage' },
      { kind: 'cut', after: 100_000 },
      { kind: 'lose' },
      { kind: 'answer', status: 503 },
    ];
    await bucket.r2.delete(await blobKeys());
    bucket.begin((request) => (isPart(request) ? (faults.shift() ?? null) : null));
    const { code, stderr } = await place.run('backup', PLACE, '--blobs', '--concurrency', '2');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('XAmzContentSHA256Mismatch');
    expect(faults).toEqual([]);
    for (const { digest, bytes } of large.blobs) {
      expect(Buffer.compare(await bucket.bytes(keyOf(digest)), bytes), digest).toBe(0);
    }
  },
  MINUTES,
);

test(
  'a damaged object is found, named and not restored; --verify mends it',
  async () => {
    const [{ digest, bytes } = config] = layers;
    await bucket.r2.put(keyOf(digest), new Uint8Array(bytes.length));
    await place.start('second');
    const { code, stderr } = await place.run('restore', PLACE, '--quiet');
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`lacks them or has them damaged: ${digest}; `));
    await place.api('POST', '/namespaces', { name: 'other' }); // nothing is under way

    await place.start('first');
    const { blobs } = await backup('--verify');
    expect(blobs).toMatchObject({ fetched: 1, present: BLOBS - 1, failed: [] });
    await bucket.r2.delete(keyOf(small.blobs[0]?.digest ?? ''));
    expect((await place.run('backup', PLACE)).stdout).toContain('without the bytes of 1 blob');
    expect(await backup()).toMatchObject({ blobs: { fetched: 1 } });
  },
  MINUTES,
);

test(
  'everything is lost, and comes back over a line that breaks',
  async () => {
    await place.start('third');
    const faults: Fault[] = [
      { kind: 'cutAnswer', after: 50_000 },
      { kind: 'cutAnswer', after: 100_000 },
    ];
    bucket.begin((request) => (isRead(request) ? (faults.shift() ?? null) : null));
    const restored = await place.json('restore', PLACE, '--quiet');
    expect(restored).toMatchObject({ missingBlobs: [], verification: { tags: 2, wrong: [] } });
    expect(faults).toEqual([]);
    await expectImage('acme/large', large);
    await expectImage('acme/small', small);
    expect(await place.json('restore', PLACE, '--quiet')).toMatchObject({ isDone: true });
  },
  MINUTES,
);

test(
  'a bucket that shuts in the middle of a restore, which goes on from the file that is named',
  async () => {
    await place.start('first');
    const { file } = await backup();
    await place.start('fourth');
    let reads = 0;
    bucket.begin((request) => {
      reads += isRead(request) ? 1 : 0;
      return isRead(request) && reads > layers.length ? SHUT : null; // each was read to compare it
    });
    const { code, stderr } = await place.run('restore', file, '--quiet');
    expect(code).toBe(1);
    expect(stderr).toMatch(/AccessDenied.*AWS_ACCESS_KEY_ID needs to list, read and write/);
    expect(stderr).not.toContain('    at ');

    bucket.begin();
    const restored = await place.json('restore', file, '--quiet');
    expect(restored).toMatchObject({ missingBlobs: [], verification: { tags: 2, wrong: [] } });
    await expectImage('acme/large', large);
  },
  MINUTES,
);

const NO_ENDPOINT = { AWS_ENDPOINT_URL: undefined };

test.each([
  [
    'a wrong secret',
    PLACE,
    { AWS_SECRET_ACCESS_KEY: 'wrong-secret' },
    1,
    /AWS_SECRET_ACCESS_KEY is not the/,
  ],
  [
    'a key that is not known',
    PLACE,
    { AWS_ACCESS_KEY_ID: 'f'.repeat(32) },
    1,
    /AWS_ACCESS_KEY_ID is a key of/,
  ],
  ['no secret', PLACE, { AWS_SECRET_ACCESS_KEY: '' }, 2, /set AWS_ACCESS_KEY_ID and AWS_SECRET/],
  ['no such bucket', 's3://other/x', {}, 1, /NoSuchBucket.*its name and --endpoint/],
  ['no endpoint', PLACE, NO_ENDPOINT, 2, /--endpoint https:..<account>.r2/],
  ['an endpoint in the clear', PLACE, { AWS_ENDPOINT_URL: 'http://example.com' }, 2, /https only/],
  ['a path that leads out', 's3://saved/a/../b', {}, 2, /has to be as s3:..bucket.prefix/],
  ['no name of a bucket', 's3://', {}, 2, /has to be as s3:..bucket.prefix/],
])('%s: says so, and what to do', async (_, at, environment, code, says) => {
  place.environment = { ...place.environment, ...environment };
  for (const command of ['backup', 'restore']) {
    const ended = await place.run(command, at);
    expect(ended, command).toMatchObject({ code, stderr: expect.stringMatching(says) });
    expect(ended.stderr).not.toMatch(/wrong-secret|nobody should see| at /);
  }
});
