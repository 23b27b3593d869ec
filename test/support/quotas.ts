/** Namespaces with quotas, and whether the numbers that are kept are right. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { QuotaChange } from '../../src/storage/metadata/quotas.ts';
import { createNamespace, metadata } from './accounts.ts';
import { errorsOf } from './client.ts';
import { query } from './storage.ts';

const ACTOR = { principal: 'test', address: null };

let namespaces = 0;

/** A namespace that no other test uses. */
export async function newNamespace(quota: QuotaChange = {}): Promise<string> {
  namespaces += 1;
  const name = `quota-${namespaces}`;
  await createNamespace(name);
  await setQuota(name, quota);
  return name;
}

export async function setQuota(namespace: string, quota: QuotaChange): Promise<void> {
  await metadata.quotas.set(namespace, quota, ACTOR, { event: 'test' });
}

export async function usedBytes(namespace: string): Promise<number> {
  const [used] = await query('SELECT used_bytes FROM namespaces WHERE name = ?1', namespace);
  return Number(used);
}

/** Asserts that a request was refused for a quota: in words that a client shows. */
export async function expectFull(response: Response, message: RegExp): Promise<void> {
  const [error] = await errorsOf(response.clone());
  expect({ status: response.status, code: error?.code }).toEqual({ status: 403, code: 'DENIED' });
  expect(error?.message).toMatch(message);
}

const HOLDERS = `
  SELECT repository_id, digest FROM repository_blobs
  UNION ALL SELECT repository_id, digest FROM manifests
  UNION ALL SELECT repository_id, digest FROM deleted_manifests
  UNION ALL SELECT repository_id, blob_digest FROM deleted_manifest_blobs`;

const SIZES = `
  SELECT digest, size FROM blobs UNION SELECT digest, size FROM manifests
  UNION SELECT digest, size FROM deleted_manifests`;

/** Asserts that every kept number is what a count of the rows gives, in every namespace. */
export async function expectRightUsage(): Promise<void> {
  const content = await env.DB.prepare(
    `SELECT namespace, held.digest, size, count(*) AS holders
     FROM (${HOLDERS}) AS held JOIN (${SIZES}) AS sizes ON sizes.digest = held.digest
       JOIN repositories ON repositories.id = repository_id
     GROUP BY namespace, held.digest ORDER BY namespace, held.digest`,
  ).all();
  const kept = await env.DB.prepare(
    'SELECT namespace, digest, size, holders FROM namespace_content ORDER BY namespace, digest',
  ).all();
  expect(kept.results).toEqual(content.results);
  for (const name of (await query('SELECT name FROM namespaces')) as string[]) {
    const recount = await metadata.quotas.recount(name);
    expect(recount?.kept, name).toEqual(recount?.counted);
  }
}
