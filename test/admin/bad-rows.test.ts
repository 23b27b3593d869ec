/** Whatever a row of a backup says: it is taken, or refused with the reason, and nothing fails. */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { EDGES, RESTORED } from '../../src/storage/metadata/backup-tables.ts';
import { ADMIN, call } from './api.ts';
import { begin, lose, newHeader, restore } from './restoring.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

const value = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    ...[0, 1, -1, 0.5, 2 ** 53 - 1, 2 ** 53, 1e300, -(2 ** 53)],
    ...['', 'x', 'acme', 'acme/app', '!1/acme/app', 'v1', DIGEST, '{}', '[]', 'null', '[[[', '*'],
    ...['blobs/x', 'blobs/', '/', 'x'.repeat(2000), 'line\nline', 'nul\0', '\ud800', '["\ud800"]'],
    ...['scrypt$0$8$5$AAAA$AAAA', 'scrypt$16384$8$5$AAAA$AAAA', '1'],
    ...[[], [DIGEST], ['x'], [''], ['\ud800']],
  ),
  fc.string(),
  fc.integer(),
);

const columns: Record<string, string[]> = {};

beforeAll(async () => {
  await lose();
  await begin(newHeader(), 10);
  await restore('repositories', [{ id: 1, name: 'acme/app', namespace: 'acme' }]);
  for (const table of RESTORED) {
    const { results } = await env.DB.prepare(`PRAGMA table_info(${table})`).all<{ name: string }>();
    const lists = (EDGES[table] ?? []).map(({ field }) => field);
    columns[table] = [...results.map(({ name }) => name), ...lists];
  }
});

test.each(RESTORED)('rows of %s', async (table) => {
  const row = fc.record(
    Object.fromEntries((columns[table] ?? []).map((column) => [column, value])),
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 3 }), async (rows) => {
      const { status, text } = await restore(table, rows); // which expects less than 500
      expect([200, 400], text).toContain(status);
    }),
    { numRuns: 60 },
  );
});

describe('a value that would break what reads it later', () => {
  const manifest = {
    ...{ repository_id: 1, digest: DIGEST, media_type: 'x/y', size: 2, pushed_at: 1 },
    ...{ r2_key: null, body: '{}', blobs: [], children: [] },
  };
  const namespace = { name: 'acme', network: '{}', created_at: 1 };
  const policy = {
    ...{ namespace: 'acme', rules: '[{"action":"untagged","olderThanDays":7}]', is_enabled: 1 },
    ...{ revision: 'x', next_run_at: 1 },
  };
  const robot = { id: 'x', kind: 'robot', principal: 'a', name: 'a', secret_hash: 'x' };
  test.each([
    ['blobs', { digest: DIGEST, r2_key: `blobs/${'x'.repeat(2000)}`, size: 3, created_at: 1 }],
    ['blobs', { digest: DIGEST, r2_key: '', size: 3, created_at: 1 }],
    ['blobs', { digest: DIGEST, r2_key: 'backups/complete/x', size: 3, created_at: 1 }],
    ['manifests', { ...manifest, r2_key: 'x'.repeat(2000), body: null }],
    ['manifests', { ...manifest, media_type: 'x/y\r\nSet-Cookie: a' }],
    ['manifests', { ...manifest, pushed_at: 2 ** 53 - 1 }],
    ['manifests', { ...manifest, pushed_at: 'yesterday' }],
    ['namespaces', { ...namespace, network: 'x' }],
    ['namespaces', { ...namespace, network: '{"pull":1}' }],
    ['namespaces', { ...namespace, restore_days: 91 }],
    ['namespaces', { ...namespace, quota_warning: 0 }],
    ['namespaces', { ...namespace, quota_warning: 101 }],
    ['retention_policies', { ...policy, every_hours: 0 }],
    ['retention_policies', { ...policy, every_hours: 721 }],
    ['repositories', { id: 10 ** 15, name: 'acme/b', namespace: 'acme' }],
    ['repositories', { id: 2, name: 'acme/B', namespace: 'acme' }],
    ['repositories', { id: 2, name: 'acme/b', namespace: 'other' }],
    ['repositories', { id: 2, name: 'acme/b', namespace: 'acme', expires_at: 1 }],
    ['repositories', { id: 2, name: 'acme/b', namespace: 'acme', deleted_at: 1, expires_at: 1 }],
    ['repositories', { id: 2, name: '!2/acme/b', namespace: 'acme' }],
    ['repositories', { id: 2, name: '!3/acme/b', namespace: 'acme', deleted_at: 1, expires_at: 1 }],
    ['tag_rules', { namespace: 'acme', repository: '', immutable: '["x"', exceptions: '[]' }],
    [
      'tag_rules',
      { namespace: 'acme', repository: '', immutable: `["${'x'.repeat(60)}"]`, exceptions: '[]' },
    ],
    ['users', { name: 'bob', password: 'none' }],
    ['credentials', { ...robot, limits: '{}' }],
  ])('in %s is refused: %j', async (table, row) => {
    const { status, json } = await restore(table, [row]);
    expect(status).toBe(400);
    expect(json.detail).toMatch(/damaged|see errors/);
  });

  test.each([
    ['users', {}],
    ['namespaces', { used_bytes: 1 }],
    ['manifests', { blobs: [] }],
    ['users', { name: 'bob' }],
    ['pulls', { repository_id: 1, reference: 'v1' }],
  ])('in %s that lacks something, it is said without SQL: %j', async (table, row) => {
    const { status, json } = await restore(table, [row]);
    expect(status).toBe(400);
    expect(json.detail).toMatch(/damaged: (?:it lacks|NOT NULL constraint failed)/);
    expect(json.detail).not.toMatch(/D1_|SQLITE|syntax/);
  });

  test('a key that cannot be is no question to the bucket', async () => {
    const blob = { digest: DIGEST, key: 'x'.repeat(2000), size: 1 };
    const { status } = await call(ADMIN, 'POST', '/restore/missing', { body: { blobs: [blob] } });
    expect(status).toBe(400);
  });

  test('a manifest with other bytes than its digest says stays away', async () => {
    expect((await restore('manifests', [manifest])).json).toEqual({ refused: [0] });
  });
});
