/** A tag that moved at the upstream, while something here keeps the new image out: what is here is served. */
import { expect, test } from 'vitest';
import { call, header } from '../../support/client.ts';
import type { TestManifest } from '../../support/images.ts';
import {
  api,
  expectBytes,
  getManifest,
  image,
  newMirror,
  pullImage,
  upstream,
  usePlace,
} from './place.ts';

usePlace();

/** An image that was pulled by a tag, which is asked for each time. */
async function pulled(settings: Record<string, unknown> = {}) {
  const wanted = image(1000);
  upstream.add('app', wanted, 'latest');
  const mirror = await newMirror({ tagMaxAge: 0, missingMaxAge: 0, ...settings });
  await pullImage(`${mirror}/app`, wanted);
  return { mirror, repository: `${mirror}/app`, wanted, before: upstream.seen.length };
}

async function expectStale(repository: string, wanted: TestManifest, why: string): Promise<void> {
  const response = await getManifest(repository, 'latest');
  await expectBytes(response, wanted);
  expect(header(response, 'Warning')).toMatch(/^110 - ".*"$/);
  expect(header(response, 'Warning')).toContain(why);
}

const keepTags = (mirror: string) =>
  api('PUT', `/namespaces/${mirror}/tag-rules`, { immutable: ['*'] });

test('a namespace without room', async () => {
  const { mirror, repository, wanted } = await pulled();
  await api('PATCH', `/namespaces/${mirror}/quota`, { bytes: 1 });
  const next = image(1000);
  upstream.add('app', next, 'latest');
  await expectStale(repository, wanted, 'has no room');
  await api('PATCH', `/namespaces/${mirror}/quota`, { bytes: null });
  await expectBytes(await getManifest(repository, 'latest'), next);
});

test('with onFailure "fail" that is an error', async () => {
  const { mirror, repository } = await pulled({ onFailure: 'fail' });
  await api('PATCH', `/namespaces/${mirror}/quota`, { bytes: 1 });
  upstream.add('app', image(1000), 'latest');
  expect((await getManifest(repository, 'latest')).status).toBe(403);
});

test('a rule that makes the tag immutable: nothing is fetched for it', async () => {
  const { mirror, repository, wanted, before } = await pulled({ onFailure: 'fail' });
  await keepTags(mirror);
  upstream.add('app', image(1000), 'latest');
  await expectStale(repository, wanted, 'immutable');
  expect(upstream.asked().slice(before)).toEqual(['HEAD /v2/app/manifests/latest']);
});

test('such a rule keeps a tag that is gone there too', async () => {
  const { mirror, repository, wanted } = await pulled();
  await keepTags(mirror);
  upstream.removeTag('app', 'latest');
  await expectStale(repository, wanted, 'cannot be deleted');
  const list = await call('GET', `/v2/${repository}/tags/list`);
  expect(await list.json()).toMatchObject({ tags: ['latest'] });
});

test('a tag that moved to what is here is only pointed at that', async () => {
  const { repository, wanted } = await pulled();
  const next = image(1000);
  upstream.add('app', next, 'next');
  await pullImage(repository, next, 'next');
  upstream.add('app', next, 'latest');
  const response = await getManifest(repository, 'latest');
  await expectBytes(response, next);
  expect(response.headers.get('Warning')).toBeNull();
  upstream.add('app', wanted, 'latest');
  await expectBytes(await getManifest(repository, 'latest'), wanted);
  expect(upstream.asked('/manifests/latest').slice(1)).toEqual([
    'HEAD /v2/app/manifests/latest',
    'HEAD /v2/app/manifests/latest',
  ]);
});
