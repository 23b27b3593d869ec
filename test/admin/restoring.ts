/** What the tests of backup and restore share: a database that is lost, and the calls that fill it again. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { EXPORTED } from '../../src/storage/metadata/backup-tables.ts';
import { query } from '../support/storage.ts';
import { ADMIN, call, user } from './api.ts';
import { EXAMPLES } from './examples.ts';

/** Everything away, as if it had never been: triggers that keep things do not hold it. */
async function wipe(): Promise<void> {
  await env.DB.batch(
    [
      ...(await triggers()).map((name) => `DROP TRIGGER ${name}`),
      ...['tag_history', 'tag_rules', 'retention_policies', 'namespace_content'],
      ...['unfetched_content', 'upstream_tags', 'upstreams'],
      ...['tags', 'manifest_children', 'manifest_blobs', 'manifests', 'deleted_manifests'],
      ...['repository_blobs', 'blobs', 'collection_queue', 'pulls', 'repositories', 'members'],
      ...[
        'robots',
        'credentials',
        'trust_rules',
        'users',
        'namespaces',
        'audit',
        'progress',
        'trash',
      ],
    ].map((sql) => env.DB.prepare(sql.startsWith('DROP') ? sql : `DELETE FROM ${sql}`)),
  );
}

async function triggers(): Promise<string[]> {
  return (await query("SELECT name FROM sqlite_schema WHERE type = 'trigger'")).map(String);
}

/** Wipes the database with its triggers, which are then made anew. */
export async function lose(): Promise<void> {
  const made = (await query("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")).map(String);
  await wipe();
  for (const sql of made) {
    await env.DB.prepare(sql).run();
  }
}

/** The header of a backup of its own. */
export const newHeader = (changes: object = {}) => ({
  format: 'edgewater-metadata',
  version: 1,
  id: crypto.randomUUID(),
  schema: '0003_collection.sql',
  takenAt: '2026-11-01T00:00:00.000Z',
  tables: [...EXPORTED],
  ...changes,
});

export const begin = (header: object = newHeader(), lastAudit = 0) =>
  call(ADMIN, 'POST', '/restore', { body: { header, lastAudit } });

export const restore = (table: string, rows: unknown) =>
  call(ADMIN, 'POST', `/restore/tables/${table}`, { body: { rows } });

/** Ends the restore, in as many steps as it takes. */
export async function end(): Promise<void> {
  for (let isDone = false; !isDone; ) {
    const { status, text, json } = await call(ADMIN, 'POST', '/restore/end', { body: {} });
    expect(status, text).toBe(200);
    ({ isDone } = json);
  }
}

export type Rows = Record<string, Record<string, unknown>[]>;

/** All pages of a backup, by table; `onTable` does something before each. */
export async function readAll(onTable?: (at: number) => Promise<unknown>): Promise<Rows> {
  const rows: Rows = {};
  for (const [at, table] of EXPORTED.entries()) {
    await onTable?.(at);
    rows[table] ??= [];
    for (let after = ''; ; ) {
      const path = `/backup/tables/${table}${after && `?after=${encodeURIComponent(after)}`}`;
      const { json } = await call(ADMIN, 'GET', path);
      rows[table].push(...json.rows);
      if (json.next === undefined) {
        break;
      }
      after = json.next;
    }
  }
  return rows;
}

/** Makes what the API can make without knowing the ids of what it has made before. */
export async function makeExamples(): Promise<void> {
  for (const { route, method, path, body } of EXAMPLES) {
    const isOfRestore = route.startsWith('/restore');
    if (method !== 'GET' && method !== 'DELETE' && !isOfRestore && !(path ?? '').includes('{')) {
      const caller = route === '/me/password' ? user('alice') : ADMIN;
      await call(caller, method, path ?? route, { ...(body && { body }) });
    }
  }
}
