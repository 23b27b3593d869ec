/** What pushes, refusals and deletes leave behind in R2 and D1. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call, newRepository, push, pushBlob, pushManifest } from '../support/client.ts';
import { emptyBlob, OCI_CONFIG, randomImage } from '../support/images.ts';
import { orphans, query } from '../support/storage.ts';

const repository = newRepository();

beforeAll(async () => {
  await pushBlob(repository, emptyBlob);
});

describe('what is left of a manifest that was refused', () => {
  let before: string[] = [];
  const big = { annotations: { big: 'x'.repeat(1_500_000) } };

  beforeEach(async () => {
    before = await orphans();
  });

  test('nothing, when it names blobs that are missing', async () => {
    const response = await pushManifest(newRepository(), randomImage(big), 'latest');
    expect(response.status).toBe(400);
    expect(await orphans()).toEqual(before);
  });

  test('nothing, when the tag has moved', async () => {
    const own = newRepository();
    const first = randomImage({ layers: [] });
    await push(own, first, 'latest');
    const second = randomImage({ ...JSON.parse(new TextDecoder().decode(first.bytes)), ...big });
    const response = await pushManifest(own, second, 'latest', { 'If-None-Match': '*' });
    expect(response.status).toBe(412);
    expect(await orphans()).toEqual(before);
  });

  test('nothing, when it was there already', async () => {
    const own = newRepository();
    const twice = randomImage(big);
    await push(own, twice, 'one');
    await push(own, twice, 'two');
    expect(await orphans()).toEqual(before);
  });

  test('not even its repository', async () => {
    const own = newRepository();
    await pushManifest(own, randomImage(), 'latest');
    expect(await query('SELECT name FROM repositories WHERE name = ?1', own)).toEqual([]);
    expect((await call('GET', `/v2/${own}/tags/list`)).status).toBe(404);
  });
});

/** https://developers.cloudflare.com/d1/platform/limits/: the simulator does not enforce it. */
const MAX_ROW = 2_000_000; // bytes

test.each([
  ['artifactType', { artifactType: `a/${'x'.repeat(3_000_000)}` }],
  ['artifactType, inline', { artifactType: `a/${'x'.repeat(990_000)}`, annotations: {} }],
  [
    'mediaType of the config',
    {
      config: { mediaType: `a/${'x'.repeat(3_000_000)}`, digest: emptyBlob.digest, size: 2 },
    },
  ],
])('no row is larger than D1 allows: a large %s', async (_what, fields) => {
  const config = { mediaType: OCI_CONFIG, digest: emptyBlob.digest, size: 2 };
  const large = randomImage({ config, layers: [], ...fields });
  const response = await pushManifest(repository, large, 'large');
  expect(response.status).toBeLessThan(500);
  const rows = await query(
    'SELECT coalesce(length(body), 0) + coalesce(length(artifact_type), 0) FROM manifests WHERE digest = ?1',
    large.digest,
  );
  expect(rows.filter((size) => Number(size) > MAX_ROW)).toEqual([]);
});
