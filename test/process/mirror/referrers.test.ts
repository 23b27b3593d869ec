/** What refers to a manifest at the upstream, however strange the list of it is. */
import { describe, expect, test } from 'vitest';
import { call, expectError } from '../../support/client.ts';
import {
  artifactOf,
  descriptorOf,
  manifestOf,
  OCI_INDEX,
  randomDigest,
  type TestManifest,
} from '../../support/images.ts';
import { getManifest, image, newMirror, upstream, usePlace } from './place.ts';
import type { Reply } from './upstream.ts';

usePlace();

const getList = (repository: string, { digest }: { digest: string }) =>
  call('GET', `/v2/${repository}/referrers/${digest}`);

async function listed(repository: string, subject: { digest: string }): Promise<string[]> {
  const response = await getList(repository, subject);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const { manifests } = JSON.parse(text) as { manifests: { digest: string }[] };
  return manifests.map(({ digest }) => digest);
}

const digestsOf = (manifests: readonly TestManifest[]) =>
  manifests.map(({ digest }) => digest).sort();

/** An image of which the upstream has the artifacts, and answers with `list` when it is asked for that. */
function given(artifacts: number, change: (list: TestManifest) => Reply = answer) {
  const subject = image(10);
  const about = Array.from({ length: artifacts }, (_, index) =>
    artifactOf('text/x', subject, { index: String(index) }),
  );
  upstream.add('app', subject, 'latest');
  for (const artifact of about) {
    upstream.add('app', artifact);
  }
  const reply = change(listOf(about));
  upstream.script = ({ path }) => (path.includes('/referrers/') ? reply : null);
  return { subject, about };
}

function listOf(about: readonly TestManifest[], others: readonly object[] = []): TestManifest {
  const manifests = [
    ...others,
    ...about.map((artifact) => descriptorOf(artifact, artifact.mediaType)),
  ];
  return manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
}

function answer({ bytes }: TestManifest): Reply {
  return { headers: { 'Content-Type': OCI_INDEX }, body: bytes };
}

test('one that is gone, and one whose bytes are others, are left out; the rest is there', async () => {
  const { subject, about } = given(3);
  const [good, false_, other] = about as [TestManifest, TestManifest, TestManifest];
  const gone = { mediaType: good.mediaType, digest: randomDigest(), size: 7 };
  const reply = answer(listOf([false_, good, other], [gone]));
  upstream.script = ({ path }) =>
    path.includes('/referrers/')
      ? reply
      : path.endsWith(false_.digest)
        ? { headers: { 'Content-Type': other.mediaType }, body: other.bytes }
        : null;
  const repository = `${await newMirror()}/app`;
  expect((await listed(repository, subject)).sort()).toEqual(digestsOf([good, other]));
  const before = upstream.seen.length;
  expect(await listed(repository, subject)).toHaveLength(2);
  expect(upstream.seen).toHaveLength(before);
});

test('of more than a hundred who asks again gets the next, and then nothing more is asked', async () => {
  const { subject, about } = given(130);
  const repository = `${await newMirror({ tagMaxAge: 3600 })}/app`;
  expect(await listed(repository, subject)).toHaveLength(100);
  expect((await listed(repository, subject)).sort()).toEqual(digestsOf(about));
  const before = upstream.seen.length;
  expect(await listed(repository, subject)).toHaveLength(130);
  expect(upstream.seen).toHaveLength(before);
});

test('a hundred that are gone do not stand before the others', async () => {
  const { subject, about } = given(1);
  const gone = Array.from({ length: 100 }, () => ({
    mediaType: OCI_INDEX,
    digest: randomDigest(),
    size: 7,
  }));
  const reply = answer(listOf(about, gone));
  upstream.script = ({ path }) => (path.includes('/referrers/') ? reply : null);
  const repository = `${await newMirror()}/app`;
  await listed(repository, subject);
  expect(await listed(repository, subject)).toEqual(digestsOf(about));
});

describe.each<[string, Reply, number, string]>([
  ['is no list', { headers: { 'Content-Type': OCI_INDEX }, body: '{}' }, 502, 'DIGEST_INVALID'],
  [
    'does not end',
    { headers: { 'Content-Type': OCI_INDEX }, body: 'x'.repeat(100), hangsAfter: 10 },
    503,
    'UNAVAILABLE',
  ],
  [
    'is too long',
    { headers: { 'Content-Type': OCI_INDEX }, body: ' '.repeat(6_000_000), hangsAfter: 5_000_000 },
    503,
    'UNAVAILABLE',
  ],
])('a list that %s', (_what, reply, status, code) => {
  test('is what is here, or the failure of the upstream', async () => {
    const { subject } = given(0, () => reply);
    const [lenient, strict] = [await newMirror(), await newMirror({ onFailure: 'fail' })];
    const [list, failure] = await Promise.all([
      listed(`${lenient}/app`, subject),
      getList(`${strict}/app`, subject),
    ]);
    expect(list).toEqual([]);
    await expectError(failure, status, code);
  });
});

test.each(['sha256', 'sha512'] as const)(
  'without the API, of a subject by %s, the tag is the one of the spec',
  async (algorithm) => {
    const subject = { digest: randomDigest(algorithm) };
    const artifact = artifactOf('text/x', { ...image(10), ...subject });
    upstream.add('app', artifact);
    const tag = `${algorithm}-${subject.digest.split(':')[1]?.slice(0, 64)}`;
    upstream.add('app', listOf([artifact]), tag);
    const repository = `${await newMirror()}/app`;
    expect(await listed(repository, subject)).toEqual([artifact.digest]);
    expect((await getManifest(repository, artifact.digest)).status).toBe(200);
  },
);
