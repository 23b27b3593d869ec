/** What a handler of blobs is told about the caller's rights, and what it makes of that. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import * as blobs from '../../src/handlers/blobs.ts';
import * as uploads from '../../src/handlers/uploads.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { Registry } from '../../src/registry/registry.ts';
import { newRepository, pushBlob } from '../support/client.ts';
import { randomBlob } from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';

const registry = new Registry({
  stores: newStores(),
  sessions: env.UPLOADS,
  fetches: env.MIRRORS,
  defaultMirror: null,
});
const alice = { principal: 'alice', address: null };
const newName = () => parseRepositoryName(newRepository());

test.each([
  ['one who may push renews the lease', true],
  ['one who may only pull does not', false],
])('head: %s', async (_title, mayPush) => {
  const name = newName();
  const blob = randomBlob(20);
  await pushBlob(name, blob);
  await env.DB.prepare('UPDATE repository_blobs SET lease_until = 1 WHERE digest = ?1')
    .bind(blob.digest)
    .run();
  const response = await blobs.head(
    new Request('https://registry.test/', { method: 'HEAD' }),
    registry.repository(name, alice),
    parseDigest(blob.digest),
    mayPush,
  );
  expect(response.status).toBe(200);
  const [lease] = await query(
    'SELECT lease_until FROM repository_blobs WHERE digest = ?1',
    blob.digest,
  );
  expect(Number(lease) > 1).toBe(mayPush);
});

describe('start: a mount', () => {
  const [source, second, other] = [newName(), newName(), newName()];

  test.each([
    ['from a source', `&from=${source}`, [other, source], 201],
    ['from what is not a source, though another source has it', `&from=${source}`, [second], 202],
    ['from a source that lacks the blob', `&from=${other}`, [other, source], 202],
    ['from what is no name', '&from=NOT-A-NAME', [source], 202],
    ['without from, of a source', '', [other, second], 201],
    ['without from, of no source', '', [other], 202],
    ['without sources', '', [], 202],
    ['from anything, where all are sources', `&from=${source}`, 'all' as const, 201],
    ['without from, where all are sources', '', 'all' as const, 201],
    ['from what lacks the blob, where all are sources', `&from=${other}`, 'all' as const, 202],
  ])('%s', async (_title, from, sources, status) => {
    const blob = randomBlob(20);
    await pushBlob(source, blob);
    await pushBlob(second, blob);
    const target = newName();
    const response = await uploads.start(
      new Request(`https://registry.test/?mount=${blob.digest}${from}`, { method: 'POST' }),
      registry.repository(target, alice),
      sources,
    );
    expect(response.status).toBe(status);
    const links = await query(
      `SELECT digest FROM repository_blobs JOIN repositories ON id = repository_id
       WHERE name = ?1`,
      target,
    );
    expect(links).toEqual(status === 201 ? [blob.digest] : []);
  });
});
