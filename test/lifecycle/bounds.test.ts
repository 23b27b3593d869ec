/** One run of the clock asks less than an invocation may, however much there is to do. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { runSchedule } from '../../src/lifecycle/schedule.ts';
import { askedDuring } from '../support/counting.ts';
import { newStores } from '../support/storage.ts';

/** Of a thousand: some are left for what the clock itself needs. */
const MOST = 900;

/** More than one run does of anything. */
const MANY = 1500;

/** Rows for each of the numbers below `count`, which a statement has as i. */
const each = (count: number, sql: string) =>
  env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) ${sql}`,
  );

const digest = (kind: string) => `'sha256:' || substr(hex('${kind}'), 1, 4) || printf('%060x', i)`;

const insertManifests = `INSERT INTO manifests (repository_id, digest, media_type, size, body)`;
const insertRepositories = 'INSERT INTO repositories (id, name, namespace, deleted_at, expires_at)';

beforeAll(async () => {
  await env.DB.batch([
    // Deleted repositories, a large one and many small ones.
    each(
      100,
      `${insertRepositories} SELECT 1000 + i, '!' || i || '/old/r', 'old', 1, 2 + i FROM n`,
    ),
    each(MANY * 2, `${insertManifests} SELECT 1000, ${digest('old')}, 'x', 2, '{}' FROM n`),
    // Policies, of which each has many repositories with tags that go.
    each(
      200,
      `${insertRepositories} SELECT 2000 + i, 'p' || (i / 40) || '/r' || i, 'p' || (i / 40), NULL, NULL FROM n`,
    ),
    each(200, `${insertManifests} SELECT 2000 + i, ${digest('tagged')}, 'x', 2, '{}' FROM n`),
    each(
      30,
      `INSERT INTO tags (repository_id, name, digest)
      SELECT repository_id, 't' || i, digest FROM manifests, n WHERE repository_id BETWEEN 2000 AND 2199`,
    ),
    each(
      5,
      `INSERT INTO retention_policies (namespace, rules, is_enabled, every_hours, revision, next_run_at)
      SELECT 'p' || i, json_array(json_object('action', 'delete', 'repositories', '**', 'include', json_array('*'),
        'exclude', json_array())), 1, 24, 'x', 0 FROM n`,
    ),
    // Mirrors that have too much.
    each(
      50,
      `${insertRepositories} SELECT 3000 + i, 'm' || i || '/r', 'm' || i, NULL, NULL FROM n`,
    ),
    each(2000, `${insertManifests} SELECT 3000 + i / 40, ${digest('mirror')}, 'x', 2, '{}' FROM n`),
    each(
      50,
      "INSERT INTO upstreams (namespace, url, keep_bytes) SELECT 'm' || i, 'https://r.test', 0 FROM n",
    ),
    // What nobody needs.
    env.DB.prepare(`${insertRepositories} VALUES (4000, 'waste/r', 'waste', NULL, NULL)`),
    each(MANY, `${insertManifests} SELECT 4000, ${digest('gone')}, 'x', 2, '{}' FROM n`),
    env.DB.prepare('DELETE FROM manifests WHERE repository_id = 4000'),
    env.DB.prepare('UPDATE deleted_manifests SET expires_at = 0'),
    each(MANY, `${insertManifests} SELECT 4000, ${digest('alone')}, 'x', 2, '{}' FROM n`),
    each(
      MANY,
      `INSERT INTO blobs (digest, r2_key, size) SELECT ${digest('blob')}, 'blobs/' || i, 1 FROM n`,
    ),
    each(
      MANY,
      `INSERT INTO repository_blobs (repository_id, digest, lease_until)
      SELECT 4000, ${digest('blob')}, 0 FROM n`,
    ),
    env.DB.prepare(
      'UPDATE collection_queue SET released_at = 0, review_after = 0 WHERE repository_id = 4000',
    ),
    each(MANY * 10, "INSERT INTO trash (r2_key, delete_after) SELECT 'blobs/old-' || i, 0 FROM n"),
  ]);
});

test('a run with much of everything', async () => {
  let results: Record<string, unknown> = {};
  const asked = await askedDuring(async () => {
    results = await runSchedule(newStores(), async () => {});
  });
  expect(results).toMatchObject({
    repositories: { isDone: false },
    retention: { isDone: false },
    mirrors: { manifests: 25 },
    collection: { isDone: false, manifests: 1000, expired: 1000, links: 1000, objects: 10_000 },
  });
  expect(asked).toBeLessThan(MOST);
});
