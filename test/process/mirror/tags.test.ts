/** When a mirror asks the upstream for a tag again, and what of an index it fetches. */
import { expect, test } from 'vitest';
import { call, expectError } from '../../support/client.ts';
import { descriptorOf, indexOf, manifestOf, OCI_INDEX } from '../../support/images.ts';
import {
  expectBytes,
  getManifest,
  image,
  newMirror,
  pullImage,
  upstream,
  usePlace,
} from './place.ts';

usePlace();

test('a tag that moved is seen after its maximum age, not before', async () => {
  const [one, two] = [image(100), image(100)];
  upstream.add('app', one, 'latest');
  const slow = `${await newMirror({ tagMaxAge: 3600 })}/app`;
  const fast = `${await newMirror({ tagMaxAge: 1 })}/app`;
  await expectBytes(await getManifest(slow, 'latest'), one);
  await expectBytes(await getManifest(fast, 'latest'), one);
  upstream.add('app', two, 'latest');
  await expect
    .poll(async () => (await getManifest(fast, 'latest')).headers.get('Docker-Content-Digest'), {
      timeout: 10_000,
    })
    .toBe(two.digest);
  await pullImage(fast, two);
  await expectBytes(await getManifest(slow, 'latest'), one);
  await expectBytes(await getManifest(fast, one.digest), one);
});

test('one that did not move costs a HEAD', async () => {
  const wanted = image(100);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror({ tagMaxAge: 0 })}/app`;
  await pullImage(repository, wanted);
  const before = upstream.seen.length;
  await pullImage(repository, wanted);
  expect(upstream.asked().slice(before)).toEqual(['HEAD /v2/app/manifests/latest']);
});

test('a HEAD of a client fetches the manifest, and once', async () => {
  const wanted = image(100);
  upstream.add('app', wanted, 'latest');
  const repository = `${await newMirror()}/app`;
  const head = await call('HEAD', `/v2/${repository}/manifests/latest`);
  expect(head.headers.get('Docker-Content-Digest')).toBe(wanted.digest);
  await pullImage(repository, wanted);
  expect(upstream.asked('/manifests/')).toHaveLength(1);
});

test('an upstream that does not tell digests', async () => {
  const [one, two] = [image(100), image(100)];
  const repository = `${await newMirror({ tagMaxAge: 0 })}/app`;
  for (const wanted of [one, one, two]) {
    upstream.script = ({ method }) => ({
      headers: { 'Content-Type': wanted.mediaType },
      body: method === 'HEAD' ? '' : wanted.bytes,
    });
    await expectBytes(await getManifest(repository, 'latest'), wanted);
  }
});

test('what is not there is remembered for as long as is set, and no longer', async () => {
  const slow = `${await newMirror({ missingMaxAge: 3600 })}/app`;
  const fast = `${await newMirror({ missingMaxAge: 1 })}/app`;
  for (const repository of [slow, fast]) {
    await expectError(await getManifest(repository, 'latest'), 404, 'MANIFEST_UNKNOWN');
  }
  const wanted = image(100);
  upstream.add('app', wanted, 'latest');
  await expect
    .poll(async () => (await getManifest(fast, 'latest')).status, { timeout: 10_000 })
    .toBe(200);
  const before = upstream.seen.length;
  await expectError(await getManifest(slow, 'latest'), 404, 'MANIFEST_UNKNOWN');
  expect(upstream.seen).toHaveLength(before);
  await pullImage(slow, wanted, wanted.digest);
});

test('of an index only what is asked for is fetched, and only platforms that are allowed', async () => {
  const [amd64, arm64] = [image(100), image(100)];
  const manifests = [amd64, arm64].map((child, index) => ({
    ...descriptorOf(child, child.mediaType),
    platform: { os: 'linux', architecture: index === 0 ? 'amd64' : 'arm64' },
  }));
  const index = manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
  upstream.add('app', index, 'latest');
  upstream.add('app', amd64);
  upstream.add('app', arm64);
  const repository = `${await newMirror({ platforms: ['linux/amd64'] })}/app`;
  await expectBytes(await getManifest(repository, 'latest'), index);
  expect(upstream.seen).toHaveLength(1);
  await pullImage(repository, amd64, amd64.digest);
  const before = upstream.seen.length;
  const refused = await getManifest(repository, arm64.digest);
  expect(await refused.clone().text()).toContain('leaves linux/arm64 out');
  await expectError(refused, 404, 'MANIFEST_UNKNOWN');
  expect(upstream.seen).toHaveLength(before);
});

test('a platform without a variant stands for all of them, one with a variant for itself', async () => {
  const children = new Map(
    ['linux/arm64/v8', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm'].map((name) => [name, image(9)]),
  );
  const manifests = [...children].map(([name, child]) => {
    const [os, architecture, variant] = name.split('/');
    return {
      ...descriptorOf(child, child.mediaType),
      platform: { os, architecture, ...(variant !== undefined && { variant }) },
    };
  });
  const index = manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
  upstream.add('app', index, 'latest');
  for (const child of children.values()) {
    upstream.add('app', child);
  }
  const fetched = async (...platforms: string[]) => {
    const repository = `${await newMirror({ platforms })}/app`;
    await getManifest(repository, 'latest');
    const names = [];
    for (const [name, { digest }] of children) {
      if ((await getManifest(repository, digest)).ok) {
        names.push(name);
      }
    }
    return names;
  };
  expect(await fetched('linux/arm64')).toEqual(['linux/arm64/v8']);
  expect(await fetched('linux/arm64/v8', 'linux/arm/v7')).toEqual([
    'linux/arm64/v8',
    'linux/arm/v7',
  ]);
  expect(await fetched('linux/arm')).toEqual(['linux/arm/v6', 'linux/arm/v7', 'linux/arm']);
});

test('an index of an index', async () => {
  const child = image(100);
  const inner = indexOf([child]);
  const outer = indexOf([inner]);
  upstream.add('app', outer, 'latest');
  upstream.add('app', inner);
  upstream.add('app', child);
  const repository = `${await newMirror()}/app`;
  await expectBytes(await getManifest(repository, 'latest'), outer);
  await expectBytes(await getManifest(repository, inner.digest), inner);
  await pullImage(repository, child, child.digest);
});
