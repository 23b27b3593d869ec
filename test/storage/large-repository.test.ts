/** Statements use the index that is made for them, whatever there is of each table. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import type { ReviewedManifest } from '../../src/storage/metadata/collection.ts';
import { call } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { newStores } from '../support/storage.ts';

const REPOSITORIES = 2000;
const LARGE = 8000; // manifests of the first
const DIGEST = "'sha256:' || printf('%064x', i)";

const run = (sql: string, ...values: number[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();

const count = (from: number, to: number) =>
  `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to})`;

/** Many repositories with a tag each, and one that is large. */
beforeAll(async () => {
  await run(`${count(1, REPOSITORIES)} INSERT INTO repositories (id, name, namespace)
    SELECT i, 'acme/r' || i, 'acme' FROM n`);
  await run(`${count(1, REPOSITORIES)} INSERT INTO manifests (repository_id, digest, media_type, size, body)
    SELECT i, ${DIGEST}, 'x', 2, '{}' FROM n`);
  await run(
    `INSERT INTO tags (repository_id, name, digest) SELECT repository_id, 'v1', digest FROM manifests`,
  );
  await run(`${count(10_000, 10_000 + LARGE)} INSERT INTO manifests
      (repository_id, digest, media_type, size, body)
    SELECT 1, ${DIGEST}, 'x', 2, '{}' FROM n`);
  await run(`${count(10_300, 10_000 + LARGE)} INSERT INTO tags (repository_id, name, digest)
    SELECT 1, 'v' || i, ${DIGEST} FROM n`);
  await run('UPDATE collection_queue SET released_at = 0, review_after = 0');
});

async function entries(from: number, to: number): Promise<ReviewedManifest[]> {
  const { results } = await run(
    `SELECT repository_id AS repositoryId, 'acme/r1' AS repository, kind, digest, 0 AS untagged
     FROM collection_queue WHERE kind = 'manifest' AND repository_id = 1 AND digest IN (
       ${count(from, to)} SELECT ${DIGEST} FROM n)`,
  );
  return results as unknown as ReviewedManifest[];
}

test('a review', async () => {
  const reviewed = await entries(10_000, 10_099);
  expect(reviewed).toHaveLength(100);
  const { d1RowsRead } = await countDuring(async () => {
    expect(await newStores().metadata.collection.reviewManifests(reviewed)).toBe(100);
  });
  expect(d1RowsRead).toBeLessThan(20_000);
});

test('a delete by a client', async () => {
  const digest = `sha256:${(10_250).toString(16).padStart(64, '0')}`;
  const { d1RowsRead } = await countDuring(async () => {
    expect((await call('DELETE', `/v2/acme/r1/manifests/${digest}`)).status).toBe(202);
  });
  expect(d1RowsRead).toBeLessThan(200);
});
