/** The audit log of pushes and deletes: written with the change, or not at all. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { Registry } from '../../src/registry/registry.ts';
import { call, newRepository, push, pushBlob, pushManifest } from '../support/client.ts';
import { indexOf, randomBlob, randomDigest, randomImage } from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';

const registry = new Registry({
  stores: newStores(),
  sessions: env.UPLOADS,
  fetches: env.MIRRORS,
  defaultMirror: null,
});
const alice = { principal: 'alice', address: '2001:db8::1' };

interface Entry {
  event: string;
  target: string;
  before: string | null;
  after: string | null;
}

/** The entries of a repository, the oldest first. */
async function entriesOf(repository: string): Promise<Entry[]> {
  const { results } = await env.DB.prepare(
    'SELECT event, target, before, after FROM audit WHERE repository = ?1 ORDER BY id',
  )
    .bind(repository)
    .all<Entry>();
  return results;
}

describe('a push', () => {
  test('is an entry, and each tag that it moves is one', async () => {
    const repository = newRepository();
    const [first, second] = [randomImage(), randomImage()];
    await push(repository, first, 'v1');
    await push(repository, second, 'v1');
    await push(repository, second, 'v1'); // nothing moves
    const pushed = { event: 'manifest.push', before: null, after: first.mediaType };
    expect(await entriesOf(repository)).toEqual([
      { ...pushed, target: first.digest },
      { event: 'tag.set', target: 'v1', before: null, after: first.digest },
      { ...pushed, target: second.digest },
      { event: 'tag.set', target: 'v1', before: first.digest, after: second.digest },
      { ...pushed, target: second.digest },
    ]);
  });

  test('says who and from where, and in which namespace', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image);
    await call('PUT', `/v2/${repository}/manifests/v1`, {
      headers: { 'Content-Type': image.mediaType, 'CF-Connecting-IP': '192.0.2.5' },
      body: image.bytes,
    });
    const row = await env.DB.prepare(
      "SELECT principal, address, namespace FROM audit WHERE repository = ?1 AND event = 'tag.set'",
    )
      .bind(repository)
      .first();
    const namespace = repository.split('/')[0];
    expect(row).toEqual({ principal: 'anonymous', address: '192.0.2.5', namespace });
  });

  test('that is refused is none', async () => {
    const repository = newRepository();
    const image = randomImage();
    expect((await pushManifest(repository, image, 'v1')).status).toBe(400); // blobs are missing
    await push(repository, image, 'v1');
    const entries = await entriesOf(repository);
    const moved = await pushManifest(repository, image, 'v1', { 'If-None-Match': '*' });
    expect(moved.status).toBe(412);
    expect(await entriesOf(repository)).toEqual(entries);
    expect(entries.length).toBe(2);
  });
});

test('a tag that is asked for twice is one entry', async () => {
  const repository = newRepository();
  const image = randomImage();
  await push(repository, image);
  await pushManifest(repository, image, `${image.digest}?tag=v1&tag=v2&tag=v1`);
  const tags = (await entriesOf(repository)).filter(({ event }) => event === 'tag.set');
  expect(tags.map(({ target }) => target)).toEqual(['v1', 'v2']);
});

describe('a delete', () => {
  test('of a manifest has an entry for it and for each of its tags', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'v1');
    await push(repository, image, 'v2');
    await call('DELETE', `/v2/${repository}/manifests/${image.digest}`);
    const entries = (await entriesOf(repository)).filter(({ event }) => event.endsWith('delete'));
    expect(entries).toEqual([
      { event: 'tag.delete', target: 'v1', before: image.digest, after: null },
      { event: 'tag.delete', target: 'v2', before: image.digest, after: null },
      { event: 'manifest.delete', target: image.digest, before: image.mediaType, after: null },
    ]);
  });

  test('of a tag and of a blob', async () => {
    const repository = newRepository();
    const image = randomImage();
    const blob = randomBlob(20);
    await push(repository, image, 'v1');
    await pushBlob(repository, blob);
    await call('DELETE', `/v2/${repository}/manifests/v1`);
    await call('DELETE', `/v2/${repository}/blobs/${blob.digest}`);
    expect((await entriesOf(repository)).slice(-2)).toEqual([
      { event: 'tag.delete', target: 'v1', before: image.digest, after: null },
      { event: 'blob.delete', target: blob.digest, before: null, after: null },
    ]);
  });

  test('of what is not there, or is named elsewhere, is none', async () => {
    const repository = newRepository();
    const image = randomImage();
    await push(repository, image, 'v1');
    await push(repository, indexOf([image]));
    const entries = await entriesOf(repository);
    const [layer] = image.blobs;
    const refused = [
      `blobs/${layer?.digest}`, // the manifest names it
      `manifests/${image.digest}`, // the index names it; its tag stays too
      `blobs/${randomDigest()}`,
      'manifests/v9',
      `manifests/${randomDigest()}`,
    ];
    const statuses: number[] = [];
    for (const path of refused) {
      statuses.push((await call('DELETE', `/v2/${repository}/${path}`)).status);
    }
    expect(statuses).toEqual([405, 405, 404, 404, 404]);
    expect(await entriesOf(repository)).toEqual(entries);
  });
});

describe('a mount', () => {
  test('is an entry with the repository that it comes from', async () => {
    const [source, target] = [newRepository(), newRepository()];
    const blob = randomBlob(20);
    await pushBlob(source, blob);
    await call('POST', `/v2/${target}/blobs/uploads/?mount=${blob.digest}&from=${source}`);
    expect(await entriesOf(target)).toEqual([
      { event: 'blob.mount', target: blob.digest, before: source, after: null },
    ]);
    expect(await entriesOf(source)).toEqual([]);
  });

  test('from anywhere names none', async () => {
    const target = newRepository();
    const blob = randomBlob(20);
    await pushBlob(newRepository(), blob);
    await call('POST', `/v2/${target}/blobs/uploads/?mount=${blob.digest}`);
    expect(await entriesOf(target)).toEqual([
      { event: 'blob.mount', target: blob.digest, before: null, after: null },
    ]);
  });

  test('that finds nothing, or what the repository has, is none', async () => {
    const [source, target] = [newRepository(), newRepository()];
    const blob = randomBlob(20);
    await pushBlob(source, blob);
    await pushBlob(target, blob);
    const statuses: number[] = [];
    for (const mount of [
      `mount=${randomDigest()}&from=${source}`,
      `mount=${blob.digest}&from=${newRepository()}`,
      `mount=${blob.digest}&from=${source}`,
      `mount=${blob.digest}`,
    ]) {
      const response = await call('POST', `/v2/${target}/blobs/uploads/?${mount}`);
      statuses.push(response.status);
    }
    expect(statuses).toEqual([202, 202, 201, 201]);
    expect(await entriesOf(target)).toEqual([]);
  });

  test('comes from the first of the given repositories that sees the blob, or from none', async () => {
    const name = () => parseRepositoryName(newRepository());
    const [first, second, other, target] = [name(), name(), name(), name()];
    const blob = randomBlob(20);
    const digest = parseDigest(blob.digest);
    await pushBlob(first, blob);
    await pushBlob(second, blob);
    const { blobs } = registry.repository(target, alice);
    expect(await blobs.mount(digest, [])).toBe(false);
    expect(await blobs.mount(digest, [other])).toBe(false);
    expect(await query('SELECT name FROM repositories WHERE name = ?1', target)).toEqual([]);
    expect(await blobs.mount(digest, [other, second, first])).toBe(true);
    const entry = { event: 'blob.mount', target: digest, before: second, after: null };
    expect(await entriesOf(target)).toEqual([entry]);
    expect(await query('SELECT principal FROM audit WHERE repository = ?1', target)).toEqual([
      'alice',
    ]);
  });
});

test.each([
  "UPDATE audit SET principal = 'somebody else'",
  'DELETE FROM audit',
  "INSERT OR REPLACE INTO audit (id, event, principal) SELECT id, 'x', 'x' FROM audit",
])('entries stay as they are: %s', async (sql) => {
  await push(newRepository(), randomImage(), 'v1');
  await expect(env.DB.prepare(sql).run()).rejects.toThrow(/audit entries .*cannot be/);
});

test('entries go when they are older than their lifetime, the oldest first', async () => {
  await env.DB.prepare(
    `INSERT INTO audit (id, at, event, principal)
     SELECT -value, unixepoch() - value * 86400, 'old', 'x' FROM json_each('[399,401,402,403]')`,
  ).run();
  const old = () => query("SELECT id FROM audit WHERE event = 'old' ORDER BY id");
  const { audit } = newStores().metadata;
  expect(await audit.forgetOld(2)).toBe(2);
  expect(await old()).toEqual([-401, -399]);
  expect(await audit.forgetOld(100)).toBe(1);
  expect(await old()).toEqual([-399]);
});
