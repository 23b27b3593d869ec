/** Statements read as many rows as they are about, however a repository grew since SQLite last counted. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { runSchedule } from '../../src/lifecycle/schedule.ts';
import type { ReviewedManifest } from '../../src/storage/metadata/collection.ts';
import { call } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { newStores } from '../support/storage.ts';

const REPOSITORIES = 3000;
const LARGE = 12_000; // manifests
const ENTRIES = 100; // of a review

/** For each row that is deleted, triggers and foreign keys look into some twenty tables. */
const ROWS_PER_ENTRY = 200;

const run = (sql: string, ...parameters: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...parameters)
    .run();

const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`;

/** Pushes as many manifests: each into the repository with its number, or all into one. */
function fill(from: number, count: number, repository = 'i') {
  return run(
    `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     INSERT INTO manifests (repository_id, digest, media_type, size, body)
     SELECT ${repository}, 'sha256:' || printf('%064x', i), 'x', 2, '{}' FROM n`,
    from,
    from + count - 1,
  );
}

beforeAll(async () => {
  await run(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${REPOSITORIES})
     INSERT INTO repositories (id, name, namespace) SELECT i, 'acme/r' || i, 'acme' FROM n`,
  );
  await fill(1, REPOSITORIES);
  await run(
    "INSERT INTO tags (repository_id, name, digest) SELECT repository_id, 'v1', digest FROM manifests",
  );
  await runSchedule(newStores(), async () => {});
  await fill(10_000, LARGE, '1');
  // The first of them have no tag.
  await run(
    `INSERT INTO tags (repository_id, name, digest) SELECT 1, 'v' || substr(digest, 60), digest
     FROM manifests WHERE repository_id = 1 AND digest >= ?1`,
    digestOf(10_300),
  );
  await runSchedule(newStores(), async () => {});
  await run('UPDATE collection_queue SET released_at = 0, review_after = 0');
});

test('a review', async () => {
  const entries = Array.from(
    { length: ENTRIES },
    (_, at): ReviewedManifest => ({
      repositoryId: 1,
      namespace: 'acme',
      repository: 'acme/r1' as ReviewedManifest['repository'],
      kind: 'manifest',
      digest: digestOf(10_000 + at) as ReviewedManifest['digest'],
      untagged: 0,
    }),
  );
  const { collection } = newStores().metadata;
  const { d1RowsRead } = await countDuring(async () => {
    expect(await collection.reviewManifests(entries)).toBe(ENTRIES);
  });
  expect(d1RowsRead).toBeLessThan(ENTRIES * ROWS_PER_ENTRY);
});

test('a delete of a manifest', async () => {
  const path = `/v2/acme/r1/manifests/${digestOf(11_000)}`;
  const { d1RowsRead } = await countDuring(async () => {
    expect((await call('DELETE', path)).status).toBe(202);
  });
  expect(d1RowsRead).toBeLessThan(ROWS_PER_ENTRY);
});

test('what waits, of which no more is read than is counted', async () => {
  await run('UPDATE collection_queue SET review_after = unixepoch() + 1000');
  const [{ count } = { count: 0 }] = (
    await env.DB.prepare('SELECT count(*) AS count FROM collection_queue').all<{ count: number }>()
  ).results;
  const { collectionPreview } = newStores().metadata;
  const { d1RowsRead } = await countDuring(async () => {
    expect(await collectionPreview.waiting()).toMatchObject({ queuedManifests: count });
  });
  expect(d1RowsRead).toBeLessThan(1.5 * count);
});

test('a look at the queue', async () => {
  const { collection, collectionPreview } = newStores().metadata;
  const due = await collection.due('manifest', ENTRIES);
  const entries = due.map((entry) => ({ ...entry, untagged: null }));
  const { d1RowsRead } = await countDuring(() => collectionPreview.reviewManifests(entries));
  expect(d1RowsRead).toBeLessThan(ENTRIES * ROWS_PER_ENTRY);
});
