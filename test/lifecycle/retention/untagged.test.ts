/** How long untagged manifests stay is a rule of the namespace, which the collector keeps to. */
import { env } from 'cloudflare:workers';
import { afterEach, expect, test } from 'vitest';
import { collect } from '../../../src/lifecycle/collect.ts';
import { newRepository, push } from '../../support/client.ts';
import { countDuring } from '../../support/counting.ts';
import { randomImage } from '../../support/images.ts';
import { setPolicy } from '../../support/retention.ts';
import { expectNoOrphans, newStores, query } from '../../support/storage.ts';
import { DAY, wait } from '../../support/wait.ts';

afterEach(async () => {
  await expectNoOrphans();
  await env.DB.exec('DELETE FROM retention_policies');
});

const run = async () => (await collect(newStores())).manifests;

const nameOf = (repository: string) => repository.slice(repository.indexOf('/') + 1);

const manifests = (repository: string) =>
  query(
    'SELECT digest FROM manifests JOIN repositories ON repositories.id = repository_id WHERE name = ?1',
    repository,
  );

test('the first rule that matches the repository counts, else 14 days', async () => {
  const [quick, kept, other] = [newRepository(), newRepository(), newRepository()];
  for (const repository of [quick, kept, other]) {
    await push(repository, randomImage());
  }
  await setPolicy(quick, {
    rules: [
      { action: 'untagged', repositories: nameOf(kept), olderThanDays: null },
      { action: 'untagged', repositories: nameOf(quick), olderThanDays: 3 },
    ],
  });
  await wait(3 * DAY - 60);
  expect(await run()).toBe(0);
  await wait(60);
  expect(await run()).toBe(1);
  expect(await manifests(quick)).toEqual([]);
  await wait(11 * DAY);
  expect(await run()).toBe(1);
  expect(await manifests(other)).toEqual([]);
  await wait(1000 * DAY);
  expect(await run()).toBe(0);
  expect(await manifests(kept)).toHaveLength(1);
  const soon = await query(
    "SELECT digest FROM collection_queue WHERE kind = 'manifest' AND review_after < unixepoch() + ?1",
    29 * DAY,
  );
  expect(soon).toEqual([]); // what stays for ever is seldom looked at
});

test('a rule that is set later counts for what waits already', async () => {
  const repository = newRepository();
  await push(repository, randomImage());
  await run();
  await wait(5 * DAY);
  await setPolicy(repository, { rules: [{ action: 'untagged', olderThanDays: 4 }] });
  await run();
  expect(await manifests(repository)).toEqual([]);
});

test('other rules are brought to what waits in bounded steps, however much that is', async () => {
  const waiting = 10_000;
  const [repository, second] = [newRepository(), newRepository()];
  for (const name of [repository, second]) {
    await push(name, randomImage());
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO collection_queue (repository_id, kind, digest, review_after)
       SELECT id, 'manifest', 'sha256:' || i, unixepoch() + ?3 FROM n, repositories WHERE name = ?1`,
    )
      .bind(name, waiting / 2, 90 * DAY)
      .run();
  }
  const later = () =>
    query('SELECT count(*) FROM collection_queue WHERE review_after > unixepoch() + ?1', 60 * DAY);
  const rules = [{ action: 'untagged', olderThanDays: 4 }];
  const { d1RowsWritten } = await countDuring(() => setPolicy(repository, { rules }));
  expect(d1RowsWritten).toBeLessThan(waiting);
  const { untaggedReviews } = newStores().metadata;
  for (let steps = 0; await untaggedReviews.goOn(); steps++) {
    expect(steps).toBeLessThan(10);
  }
  expect(await later()).toEqual([0]);
  expect(await query('SELECT namespace FROM untagged_reviews')).toEqual([]);
  await env.DB.exec('DELETE FROM collection_queue WHERE length(digest) < 20');
});

test('a policy that is disabled says nothing', async () => {
  const repository = newRepository();
  await push(repository, randomImage());
  const rules = [{ action: 'untagged', olderThanDays: 4 }];
  await setPolicy(repository, { rules, isEnabled: false });
  await wait(5 * DAY);
  await run();
  expect(await manifests(repository)).toHaveLength(1);
  await setPolicy(repository, { rules });
  await run();
  expect(await manifests(repository)).toEqual([]);
});
