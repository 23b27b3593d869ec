/** Images of another registry, copied: the same digests, nothing twice, and no more than was asked for. */
import { expect, test } from 'vitest';
import { newRepository, push } from '../../support/client.ts';
import { artifactOf, indexOf, randomImage, type TestManifest } from '../../support/images.ts';
import { Front, type Reply } from './front.ts';
import {
  begin,
  digestThere,
  edgewater,
  ended,
  front,
  MIRROR,
  read,
  tagsThere,
  url,
} from './place.ts';

/** What cosign makes of a digest. */
const signatureTag = ({ digest }: TestManifest) => `${digest.replace(':', '-')}.sig`;

/** Pushes to the other registry: an image, an index of two, and what is about them. */
async function fill(repository: string) {
  const [one, amd64, arm64, other] = [randomImage(), randomImage(), randomImage(), randomImage()];
  const index = indexOf([amd64, arm64]);
  await push(repository, one, 'v1');
  await push(repository, amd64);
  await push(repository, arm64);
  await push(repository, index, 'v2');
  await push(repository, other, 'latest');
  const sbom = artifactOf('application/vnd.example.sbom', index);
  const signature = artifactOf('application/vnd.example.signature', sbom);
  await push(repository, sbom);
  await push(repository, signature);
  const cosign = [randomImage(), randomImage()] as const;
  await push(repository, cosign[0], signatureTag(index));
  await push(repository, cosign[1], signatureTag(other));
  return { one, amd64, arm64, index, other, sbom, signature, cosign };
}

test('by pattern: manifests, platforms, referrers and signatures have the same digests', async () => {
  const repository = newRepository();
  const there = await fill(repository);
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/app', tags: ['v*'] });
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 3, present: 0, failed: 0 });
  expect(await tagsThere('acme/app')).toEqual([signatureTag(there.index), 'v1', 'v2']);
  expect(await digestThere('acme/app', 'v1')).toBe(there.one.digest);
  expect(await digestThere('acme/app', 'v2')).toBe(there.index.digest);
  expect(await digestThere('acme/app', signatureTag(there.index))).toBe(there.cosign[0].digest);
  for (const image of [there.one, there.amd64, there.arm64]) {
    for (const blob of image.blobs) {
      const response = await read(`/acme/app/blobs/${blob.digest}`);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(blob.bytes));
    }
  }
  for (const [subject, referrer] of [
    [there.index, there.sbom],
    [there.sbom, there.signature],
  ] as const) {
    const response = await read(`/acme/app/referrers/${subject.digest}`);
    const { manifests } = (await response.json()) as { manifests: { digest: string }[] };
    expect(manifests.map(({ digest }) => digest)).toEqual([referrer.digest]);
  }
  expect(await digestThere('acme/app', there.other.digest)).toBeNull();
});

test('again: what is there is left alone, what moved is copied, and no blob is read twice', async () => {
  const repository = newRepository();
  const { one } = await fill(repository);
  const body = { from: `${MIRROR}/${repository}`, to: 'acme/again' };
  expect(await ended(await begin(body))).toMatchObject({ state: 'done', copied: 5 });
  const before = front.blobs;
  expect(await ended(await begin(body))).toMatchObject({ copied: 0, present: 5, bytes: 0 });
  expect(front.blobs).toBe(before);
  await push(repository, one, 'latest');
  expect(await ended(await begin(body))).toMatchObject({ copied: 1, present: 4 });
  expect(front.blobs).toBe(before);
  expect(await digestThere('acme/again', 'latest')).toBe(one.digest);
});

test('without referrers, and without what is excluded', async () => {
  const repository = newRepository();
  const { index } = await fill(repository);
  const id = await begin({
    from: `${MIRROR}/${repository}`,
    to: 'acme/bare',
    exclude: ['late*'],
    referrers: false,
  });
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 2 });
  expect(await tagsThere('acme/bare')).toEqual(['v1', 'v2']);
  const response = await read(`/acme/bare/referrers/${index.digest}`);
  expect(((await response.json()) as { manifests: unknown[] }).manifests).toEqual([]);
});

test('by the CLI: one tag under another name, everything below a prefix, and what fails', async () => {
  const repository = newRepository();
  const { one, other } = await fill(repository);
  const named = await edgewater(
    'import',
    `docker://${MIRROR}/${repository}:v1`,
    '--to',
    'acme/cli:stable',
  );
  expect(named.code, named.stderr).toBe(0);
  expect(await tagsThere('acme/cli')).toEqual(['stable']);
  expect(await digestThere('acme/cli', 'stable')).toBe(one.digest);

  const [prefix, name] = repository.split('/');
  const all = await edgewater(
    'import',
    `${MIRROR}/${prefix}`,
    '--to',
    'everything',
    '--all',
    '--json',
  );
  expect(all.code, all.stderr).toBe(0);
  const { id, repositories } = JSON.parse(all.stdout);
  expect(repositories).toBeGreaterThanOrEqual(1);
  expect(await digestThere(`everything/${name}`, 'latest')).toBe(other.digest);
  expect((await edgewater('transfer', 'show', id)).stdout).toContain('done');

  const none = await edgewater('import', `${MIRROR}/${repository}:v9`, '--to', 'acme/cli');
  expect(none.code).toBe(1);
  expect(none.stderr).toContain('there is no tag v9 in');
  const nowhere = await edgewater('import', 'other.example.com/app', '--to', 'acme/cli');
  expect(nowhere.code).toBe(1);
  expect(nowhere.stderr).toContain('other.example.com is no mirror');
});

test('a registry without a catalog is refused in words', async () => {
  front.reply = ({ path }) => (path.startsWith('/v2/_catalog') ? { status: 404 } : null);
  const id = await begin({ from: MIRROR, to: 'acme', all: true });
  const { state, failures } = await ended(id);
  front.reply = () => null;
  expect(state).toBe('failed');
  expect(failures[0].reason).toContain('does not list its repositories');
});

test('a tag that fails does not keep the others', async () => {
  const repository = newRepository();
  const { amd64 } = await fill(repository);
  const missing = amd64.blobs[1]?.digest ?? '';
  front.reply = ({ path }) => (path.includes(missing) ? { status: 404 } : null);
  const id = await begin({ from: `${MIRROR}/${repository}`, to: 'acme/partly', tags: ['v*'] });
  const transfer = await ended(id);
  front.reply = () => null;
  expect(transfer).toMatchObject({ state: 'failed', copied: 1, failed: 1 });
  expect(transfer.failures).toEqual([
    {
      repository: `${MIRROR}/${repository}`,
      tag: 'v2',
      reason: `the upstream has no blob ${missing} in ${repository}`,
    },
  ]);
  expect(await tagsThere('acme/partly')).toEqual(['v1']);
});

test('the CLI waits for a registry that does not answer for a while', async () => {
  const repository = newRepository();
  await fill(repository);
  const before = new Front(url);
  await before.start();
  const looks: Reply[] = [{ status: 503 }, { status: 502 }, { status: 429 }];
  before.reply = ({ method, path }) =>
    method === 'GET' && path.startsWith('/api/v1/transfers/') ? (looks.shift() ?? null) : null;
  const imported = await edgewater(
    ...['import', `${MIRROR}/${repository}`, '--to', 'acme/patient', '--tags', 'v1'],
    ...['--registry', before.url],
  );
  before.stop();
  expect(imported.code, imported.stderr).toBe(0);
  expect(looks).toEqual([]);
});
