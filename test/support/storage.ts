/** Looks behind the registry: what R2, D1 and the Durable Objects hold. */

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { Isolate } from '../../src/storage/isolate.ts';
import { LIFETIMES } from '../../src/storage/metadata/lifetimes.ts';
import { type StoreOptions, Stores } from '../../src/storage/stores.ts';
import type { UploadSessionRow } from '../../src/uploads/upload-record.ts';
import type { UploadSession } from '../../src/uploads/upload-session.ts';
import { call } from './client.ts';
import { digestOf, type TestBlob } from './images.ts';

type Stub = DurableObjectStub<UploadSession>;

/** The stores as the Worker has them; in an isolate of their own, they remember nothing at first. */
export function newStores(
  isolate?: Isolate,
  bindings: Partial<StoreOptions> = {},
  origin = 'http://registry.test',
): Stores {
  const options = {
    database: env.DB,
    bucket: env.BUCKET,
    readWindow: Number.POSITIVE_INFINITY,
    maxAges: { membership: 60, tag: 0 },
    lifetimes: LIFETIMES,
    pullInterval: 0,
    ...bindings,
  };
  return new Stores(options, origin, isolate);
}

/** The id of an upload session and its Durable Object, by the session's Location. */
export function sessionOf(location: string): { id: string; stub: Stub } {
  const match = /^\/v2\/(.+)\/blobs\/uploads\/([0-9a-f-]+)$/.exec(location);
  expect(match, location).not.toBeNull();
  const [, repository = '', id = ''] = match ?? [];
  return { id, stub: env.UPLOADS.getByName(`${repository}/${id}`) };
}

/** The row that a session keeps, or null when it keeps nothing. */
export function rowOf(stub: Stub): Promise<UploadSessionRow | null> {
  return runInDurableObject(
    stub,
    (_session, { storage }) => storage.kv.get<UploadSessionRow>('session') ?? null,
  );
}

/** How many values a session keeps. */
export function storedValues(stub: Stub): Promise<number> {
  return runInDurableObject(stub, (_session, { storage }) => [...storage.kv.list()].length);
}

export function alarmOf(stub: Stub): Promise<number | null> {
  return runInDurableObject(stub, (_session, { storage }) => storage.getAlarm());
}

/** Makes a session's row say something else, as if it had stopped there. */
export async function changeRow(stub: Stub, change: Partial<UploadSessionRow>): Promise<void> {
  const row = await rowOf(stub);
  await runInDurableObject(stub, (_session, { storage }) => {
    storage.kv.put('session', { ...row, ...change });
  });
}

/** The first column of what a query finds. */
export async function query(sql: string, ...parameters: (string | number)[]): Promise<unknown[]> {
  const rows = await env.DB.prepare(sql)
    .bind(...parameters)
    .raw();
  return rows.map((row) => row[0]);
}

/** All keys in the bucket. */
export async function keysInBucket(): Promise<string[]> {
  const { objects, truncated } = await env.BUCKET.list();
  expect(truncated).toBe(false);
  return objects.map((object) => object.key).sort();
}

/** Keys in the bucket that no row names. */
export async function orphans(): Promise<string[]> {
  const named = await query(
    `SELECT r2_key FROM blobs UNION SELECT r2_key FROM manifests
     UNION SELECT r2_key FROM deleted_manifests UNION SELECT r2_key FROM trash UNION SELECT r2_key FROM uploads`,
  );
  return (await keysInBucket()).filter(
    (key) => !named.includes(key) && !key.startsWith('backups/'), // copies of the database
  );
}

/**
 * Asserts that bucket and database agree: content that a row names is there, and nothing is there
 * that no row names.
 */
export async function expectNoOrphans(): Promise<void> {
  const contents = await query(
    'SELECT r2_key FROM blobs UNION SELECT r2_key FROM manifests WHERE r2_key IS NOT NULL',
  );
  const keys = await keysInBucket();
  expect(contents.filter((key) => !keys.includes(String(key)))).toEqual([]);
  expect(await orphans()).toEqual([]);
}

/** Asserts that a repository serves exactly these bytes under their digest. */
export async function expectBlob(repository: string, blob: TestBlob): Promise<void> {
  const response = await call('GET', `/v2/${repository}/blobs/${blob.digest}`);
  expect(response.status).toBe(200);
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect({ size: bytes.byteLength, digest: digestOf(bytes) }).toEqual({
    size: blob.bytes.byteLength,
    digest: digestOf(blob.bytes),
  });
}
