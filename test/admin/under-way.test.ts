/** What waits while a restore is under way, and what does not. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { copyDatabase } from '../../src/lifecycle/backup/nightly-copy.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import { call as protocol, push, pushBlob } from '../support/client.ts';
import { randomBlob, randomImage } from '../support/images.ts';
import { newStores, query } from '../support/storage.ts';
import { ADMIN, audited, call } from './api.ts';
import { begin, end, lose, newHeader, readAll, restore } from './restoring.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

beforeEach(lose);

describe('while a restore is under way', () => {
  test('the API changes nothing else, and says why', async () => {
    await begin(newHeader(), 10);
    const refused = await call(ADMIN, 'POST', '/namespaces', { body: { name: 'acme' } });
    expect(refused.status).toBe(403);
    expect(refused.json.detail).toMatch(/a restore is under way.*edgewater restore/);
    expect(await query('SELECT name FROM namespaces')).toEqual([]);
    await end();
    expect((await call(ADMIN, 'POST', '/namespaces', { body: { name: 'acme' } })).status).toBe(201);
  });

  test('blobs arrive where a repository is, and a manifest is refused, as a client can show it', async () => {
    await begin(newHeader(), 10);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const image = randomImage();
    for (const blob of image.blobs) {
      await pushBlob('acme/app', blob);
    }
    const put = () =>
      protocol('PUT', '/v2/acme/app/manifests/v1', {
        headers: { 'Content-Type': image.mediaType },
        body: image.bytes,
      });
    const refused = await put();
    expect(refused.status).toBe(403);
    expect(await refused.text()).toMatch(/DENIED.*a restore is under way/);
    expect(await query('SELECT digest FROM manifests')).toEqual([]);
    await end();
    expect((await put()).status).toBe(201);
  });

  test('nobody makes a repository, so none gets the content of another', async () => {
    await push('acme/secret', randomImage(), 'v1');
    const rows = await readAll();
    await lose();
    await begin(newHeader(), 1000);
    const blob = randomBlob(10);
    const refused = await protocol('POST', `/v2/evil/x/blobs/uploads/?digest=${blob.digest}`, {
      headers: { 'Content-Type': 'application/octet-stream' },
      body: blob.bytes,
    });
    expect(refused.status).toBe(403);
    expect(await refused.text()).toMatch(/DENIED.*a restore is under way/);
    for (const table of [
      'audit',
      'repositories',
      'blobs',
      'repository_blobs',
      'manifests',
      'tags',
    ]) {
      expect((await restore(table, rows[table])).json, table).toEqual({ refused: [] });
    }
    await end();
    expect((await protocol('GET', '/v2/evil/x/manifests/v1')).status).toBe(404);
    expect((await protocol('GET', '/v2/acme/secret/manifests/v1')).status).toBe(200);
  });

  test('nothing is mounted', async () => {
    await begin(newHeader(), 10);
    await restore('repositories', [
      { id: 1, name: 'acme/app', namespace: 'acme' },
      { id: 2, name: 'acme/b', namespace: 'acme' },
    ]);
    const blob = randomBlob(10);
    await pushBlob('acme/app', blob);
    for (const to of ['acme/b', 'acme/new', 'acme/app']) {
      const path = `/v2/${to}/blobs/uploads/?mount=${blob.digest}&from=acme/app`;
      expect((await protocol('POST', path)).status, to).toBe(403);
    }
    expect(await query('SELECT repository_id FROM repository_blobs')).toEqual([1]);
  });

  test('a mirror links nothing that another of its repositories has', async () => {
    await begin(newHeader(), 10);
    const { mirrored } = newStores().metadata;
    await expect(mirrored.adopt('acme/app' as RepositoryName, DIGEST as Digest)).rejects.toThrow(
      /a restore is under way/,
    );
  });

  test('no backup of what is half there is begun, and no copy made', async () => {
    await begin(newHeader(), 10);
    await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
    const keys = async () => (await env.BUCKET.list({ prefix: 'backups/' })).objects.length;
    const before = await keys();
    for (const path of ['/backup/copies', '/backup']) {
      const refused = await call(ADMIN, 'POST', path, { body: {} });
      expect(refused.status, path).toBe(403);
      expect(refused.json.detail, path).toMatch(/a restore is under way/);
    }
    await expect(copyDatabase(newStores())).rejects.toThrow(/a restore is under way/);
    expect(await keys()).toBe(before);
    expect(await audited('backup.copy')).toEqual([]);
  });

  test('a copy that was begun before is not gone on with', async () => {
    await push('acme/app', randomImage(), 'v1');
    const meanwhile = async (...[key, bytes]: Parameters<R2Bucket['put']>) => {
      const [state] = await query("SELECT state FROM progress WHERE job = 'copy'");
      await lose();
      await env.DB.prepare("INSERT INTO progress (job, state) VALUES ('copy', ?1)")
        .bind(state)
        .run();
      await begin(newHeader(), 10);
      await end();
      return env.BUCKET.put(key, bytes);
    };
    const bucket = new Proxy(env.BUCKET, {
      get: (target, name) => (name === 'put' ? meanwhile : Reflect.get(target, name)),
    });
    const stores = newStores(undefined, { backupBucket: bucket });
    expect(await copyDatabase(stores, true)).toEqual({ copy: null, isDone: true });
    expect((await call(ADMIN, 'GET', '/backup/copies')).json.copies).toEqual([]);
  });

  test('a repository whose id another has here is refused', async () => {
    await begin(newHeader(), 10);
    const row = { id: 1, name: 'acme/app', namespace: 'acme' };
    for (const refused of [[], []]) {
      expect((await restore('repositories', [row])).json).toEqual({ refused });
    }
    const other = { ...row, name: 'acme/other' };
    expect((await restore('repositories', [other])).json).toEqual({ refused: [0] });
  });

  test('the collector rests, when it is asked for as well', async () => {
    await begin();
    const { status, json } = await call(ADMIN, 'POST', '/collection', { body: {} });
    expect(status).toBe(403);
    expect(json.detail).toMatch(/a restore is under way/);
    expect((await call(ADMIN, 'POST', '/collection', { body: { dryRun: true } })).status).toBe(200);
  });
});
