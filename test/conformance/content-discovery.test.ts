/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#content-discovery */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  call,
  expectError,
  header,
  newRepository,
  nextPage,
  push,
  pushManifest,
} from '../support/client.ts';
import { randomDigest, randomImage } from '../support/images.ts';

/** All entries of a list, page by page. */
async function walk(path: string, key: 'tags' | 'repositories'): Promise<string[]> {
  const entries: string[] = [];
  for (let next: string | null = path; next !== null; ) {
    const response = await call('GET', next);
    expect(response.status).toBe(200);
    entries.push(...(((await response.json()) as Record<string, string[]>)[key] ?? []));
    next = nextPage(response);
  }
  return entries;
}

const byBytes = (names: readonly string[]) => [...names].sort();

describe('tags', () => {
  const repository = newRepository();
  const path = `/v2/${repository}/tags/list`;
  // Prefixes of each other, upper and lower case, and what sorts around the dot and the dash.
  const tags = ['0.1.2', '0.1.20', 'V1', 'a', 'a-b', 'a.b', 'a_b', 'ab', 'latest', 'v1', '_x', 'A'];
  const sorted = byBytes(tags);

  beforeAll(async () => {
    const image = randomImage();
    const query = tags.map((tag) => `tag=${tag}`).join('&');
    await push(repository, image, `${image.digest}?${query}`);
  });

  test('end-8a: all tags in byte order', async () => {
    const response = await call('GET', path);
    expect(response.status).toBe(200);
    expect(header(response, 'Content-Type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({ name: repository, tags: sorted });
    expect(response.headers.get('Link')).toBeNull();
  });

  test('end-8b: n limits the page and Link leads on, on the same host', async () => {
    const response = await call('GET', `${path}?n=3`);
    expect(await response.json()).toEqual({ name: repository, tags: sorted.slice(0, 3) });
    expect(nextPage(response)).toMatch(/^\//);
  });

  test.each([1, 2, 5, 11, 12, 13])(
    'end-8b: pages of %i together are all tags, once each',
    async (n) => {
      expect(await walk(`${path}?n=${n}`, 'tags')).toEqual(sorted);
    },
  );

  test('end-8b: the last page has no Link', async () => {
    expect(nextPage(await call('GET', `${path}?n=${tags.length}`))).toBeNull();
    expect(nextPage(await call('GET', `${path}?n=1&last=${sorted.at(-2)}`))).toBeNull();
  });

  test('end-8b: n=0 is an empty list without Link', async () => {
    const response = await call('GET', `${path}?n=0`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ name: repository, tags: [] });
    expect(response.headers.get('Link')).toBeNull();
  });

  test('end-8b: last is exclusive, need not exist and works without n', async () => {
    for (const last of ['a', 'aa', 'zzz', '']) {
      const response = await call('GET', `${path}?last=${last}`);
      const expected = sorted.filter((tag) => tag > last);
      expect(await response.json()).toEqual({ name: repository, tags: expected });
    }
  });

  test('end-8a: an unknown repository is NAME_UNKNOWN', async () => {
    await expectError(await call('GET', `/v2/${newRepository()}/tags/list`), 404, 'NAME_UNKNOWN');
  });

  test('end-8a: a repository without tags has an empty list', async () => {
    const untagged = newRepository();
    await push(untagged, randomImage());
    const response = await call('GET', `/v2/${untagged}/tags/list`);
    expect(await response.json()).toEqual({ name: untagged, tags: [] });
  });

  test('end-7a: tags that differ in case are two tags', async () => {
    const cased = newRepository();
    const [upper, lower] = [randomImage(), randomImage()];
    await push(cased, upper, 'V1');
    await push(cased, lower, 'v1');
    const digests = ['V1', 'v1'].map(async (tag) =>
      header(await call('HEAD', `/v2/${cased}/manifests/${tag}`), 'Docker-Content-Digest'),
    );
    expect(await Promise.all(digests)).toEqual([upper.digest, lower.digest]);
  });

  test('end-7a: a tag that looks like hex is not a digest', async () => {
    const hexed = newRepository();
    const tag = randomDigest().slice('sha256:'.length);
    const image = randomImage();
    await push(hexed, image, tag);
    await expectError(
      await call('GET', `/v2/${hexed}/manifests/sha256:${tag}`),
      404,
      'MANIFEST_UNKNOWN',
    );
    expect((await pushManifest(hexed, image, tag)).status).toBe(201);
  });
});

describe('docker', () => {
  const root = newRepository();
  const names = ['math', 'math-voila', 'math.x', 'math/sub', 'math_x', 'mathx'].map(
    (name) => `${root}/${name}`,
  );

  beforeAll(async () => {
    for (const name of names) {
      await push(name, randomImage({ layers: [] }), 'latest');
    }
  });

  test.each([1, 2, 4, 1000])(
    'catalog: pages of %i together are all repositories, in byte order',
    async (n) => {
      const found = await walk(`/v2/_catalog?n=${n}`, 'repositories');
      expect(found).toEqual(byBytes(found));
      expect(found.filter((name) => name.startsWith(`${root}/`))).toEqual(byBytes(names));
    },
  );

  test('catalog: last is exclusive', async () => {
    const [first, ...others] = byBytes(names);
    const found = await walk(`/v2/_catalog?last=${first}`, 'repositories');
    expect(found.filter((name) => name.startsWith(`${root}/`))).toEqual(others);
  });

  test('catalog: n=0 is an empty list', async () => {
    const response = await call('GET', '/v2/_catalog?n=0');
    expect(await response.json()).toEqual({ repositories: [] });
    expect(response.headers.get('Link')).toBeNull();
  });

  test('search: _ping says that the registry answers on its own', async () => {
    const response = await call('GET', '/v1/_ping');
    expect(response.status).toBe(200);
    expect(header(response, 'X-Docker-Registry-Standalone')).toBe('true');
  });

  test('search: finds what has the term in its name, and no more than n', async () => {
    type Search = { num_results: number; query: string; results: { name: string }[] };
    const term = `${root}/math`;
    const all = (await (await call('GET', `/v1/search?q=${term}&n=50`)).json()) as Search;
    expect(all.query).toBe(term);
    expect(all.num_results).toBe(names.length);
    expect(all.results.map((result) => result.name).sort()).toEqual(byBytes(names));
    const two = (await (await call('GET', `/v1/search?q=${term}&n=2`)).json()) as Search;
    expect(two.results).toHaveLength(2);
    const none = (await (await call('GET', '/v1/search?q=%25')).json()) as Search;
    expect(none.results).toEqual([]);
  });
});
