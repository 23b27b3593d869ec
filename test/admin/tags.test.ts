/** What a repository holds: sizes, times and pulls, for whoever may pull. */
import { beforeAll, describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { Isolate } from '../../src/storage/isolate.ts';
import { push } from '../support/client.ts';
import { artifactOf, indexOf, randomImage, type TestManifest } from '../support/images.ts';
import { newStores } from '../support/storage.ts';
import { ADMIN, call, user } from './api.ts';
import { boss, developer, prepare } from './given.ts';

const REPOSITORY = 'own/app';
const path = (list: string, repository = REPOSITORY) =>
  `/repositories/${encodeURIComponent(repository)}/${list}`;

const [first, second] = [randomImage(), randomImage()] as const;
const shared = { ...first, blobs: [...first.blobs, ...second.blobs] };
const index = indexOf([first, second]);
const sbom = artifactOf('application/vnd.example.sbom', first);

const sizeOf = (...contents: { bytes: Uint8Array }[]) =>
  contents.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
const whole = (manifest: TestManifest) => sizeOf(manifest, ...manifest.blobs);

beforeAll(async () => {
  await prepare();
  await push(REPOSITORY, first, 'first');
  await push(REPOSITORY, second);
  await push(REPOSITORY, index, 'index');
  await push(REPOSITORY, index, 'latest');
  await push(REPOSITORY, sbom);
  const { pulls } = newStores(new Isolate(), { pullInterval: 3600 });
  const name = parseRepositoryName(REPOSITORY);
  pulls.count(name, ['latest', index.digest]);
  pulls.count(name, [first.digest]);
  pulls.count(name, [first.digest]);
  await pulls.flush();
});

test('tags have the digest, the size of all they bring, and their pulls', async () => {
  const { json } = await call(developer, 'GET', path('tags'));
  const time = expect.stringMatching(/^2\d{3}-.*Z$/);
  const common = { digest: index.digest, mediaType: index.mediaType, pushedAt: time };
  const size = sizeOf(index, first, second, ...shared.blobs);
  expect(json.tags).toEqual([
    {
      name: 'first',
      digest: first.digest,
      mediaType: first.mediaType,
      size: whole(first),
      pushedAt: time,
      pulls: 0,
      lastPulledAt: null,
    },
    { name: 'index', ...common, size, pulls: 0, lastPulledAt: null },
    { name: 'latest', ...common, size, pulls: 1, lastPulledAt: time },
  ]);
});

test('manifests have how many tags name them, their subject, and their pulls', async () => {
  const { json } = await call(developer, 'GET', path('manifests'));
  const found = Object.fromEntries(
    json.manifests.map((manifest: { digest: string }) => [manifest.digest, manifest]),
  );
  expect(Object.keys(found).sort()).toEqual(
    [first, second, index, sbom].map(({ digest }) => digest).sort(),
  );
  expect(found[first.digest]).toMatchObject({ tags: 1, pulls: 2, size: whole(first) });
  expect(found[second.digest]).toMatchObject({ tags: 0, pulls: 0, lastPulledAt: null });
  expect(found[index.digest]).toMatchObject({ tags: 2, pulls: 1 });
  expect(found[sbom.digest]).toMatchObject({
    subject: first.digest,
    artifactType: 'application/vnd.example.sbom',
  });
});

test.each([
  ['tags', 'name', 3],
  ['manifests', 'digest', 4],
])('pages of %s go on where the last one ended', async (list, key, count) => {
  const found: string[] = [];
  let after = '';
  do {
    const { json } = await call(boss, 'GET', `${path(list)}?limit=1&after=${after}`);
    expect(json[list]).toHaveLength(1);
    found.push(json[list][0][key]);
    after = encodeURIComponent(json.next ?? '');
  } while (after !== '');
  expect(found).toEqual([...found].sort());
  expect(new Set(found).size).toBe(count);
});

describe('who may see it', () => {
  const limited = (repositories: string) =>
    user('own+ci', { kind: 'robot', limits: [[{ repositories, actions: ['pull'] }]] });

  test('whoever may pull: robots and limited credentials too', async () => {
    const body = { name: 'ci', role: 'reader' };
    expect((await call(boss, 'POST', '/namespaces/own/robots', { body })).status).toBe(201);
    const statuses = [];
    for (const caller of [boss, developer, ADMIN, limited('own/*'), limited('own/other')]) {
      statuses.push((await call(caller, 'GET', path('tags'))).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 404]);
  });

  test.each(['tags', 'manifests'])(
    'to others %s look as if there were no such repository',
    async (list) => {
      const foreign = await call(user('stranger'), 'GET', path(list));
      const missing = await call(user('stranger'), 'GET', path(list, 'own/missing'));
      const strange = await call(user('stranger'), 'GET', path(list, 'Not a name'));
      expect([foreign.status, foreign.text]).toEqual([404, missing.text]);
      expect(strange.text).toBe(missing.text);
    },
  );
});
