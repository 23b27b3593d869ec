/** What people ask reads rows as many as there are in the answer, not as there are in the registry. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { ADMIN, call as api, newNamespace } from '../admin/api.ts';
import { pushBlob } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { randomBlob } from '../support/images.ts';
import { newStores } from '../support/storage.ts';

const STRANGERS = 5000;

/** More than any of these questions needs, and much less than there are repositories. */
const MOST = 500;

const blob = randomBlob(10);

/** Repositories of the namespace itself, and of another. */
beforeAll(async () => {
  await newNamespace('crowd');
  await newNamespace('elsewhere');
  await pushBlob('crowd/a', blob);
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO repositories (name, namespace)
     SELECT column1 || '/r' || i, column1 FROM n, (VALUES ('crowd'), ('elsewhere'))`,
  )
    .bind(STRANGERS)
    .run();
});

test.each([
  ['what keeps a blob', `/why/${blob.digest}`],
  ['what keeps a blob in a namespace', `/namespaces/crowd/why/${blob.digest}`],
  ['the sizes of repositories', '/namespaces/crowd/usage?limit=5&after=crowd/r2'],
  ['deleted repositories', '/namespaces/crowd/deleted-repositories'],
  ['repositories', '/namespaces/crowd/repositories?after=crowd/r9998'],
])('%s', async (_what, path) => {
  const { d1RowsRead } = await countDuring(async () => {
    expect((await api(ADMIN, 'GET', path)).status).toBe(200);
  });
  expect(d1RowsRead).toBeLessThan(MOST);
});

test('the repositories with which retention goes on', async () => {
  const { d1RowsRead } = await countDuring(async () => {
    const found = await newStores().metadata.retentionTags.repositories('crowd', 'crowd/r2', 5);
    expect(found).toHaveLength(5);
  });
  expect(d1RowsRead).toBeLessThan(MOST);
});
