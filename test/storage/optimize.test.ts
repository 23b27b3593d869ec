/** Statements use the index that is made for them, once the clock has let SQLite count. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { runSchedule } from '../../src/lifecycle/schedule.ts';
import { call, newRepository, push } from '../support/client.ts';
import { countDuring } from '../support/counting.ts';
import { randomImage } from '../support/images.ts';
import { newStores } from '../support/storage.ts';

test('deleting a manifest does not look through the other tags of its repository', async () => {
  const repository = newRepository();
  const [tagged, other] = [randomImage(), randomImage()];
  await push(repository, tagged, 'latest');
  await push(repository, other);
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
     INSERT INTO tags (repository_id, name, digest)
     SELECT repository_id, 'tag-' || i, digest FROM tags, n WHERE digest = ?1`,
  )
    .bind(tagged.digest)
    .run();
  await runSchedule(newStores(), async () => {});
  const { d1RowsRead } = await countDuring(async () => {
    const path = `/v2/${repository}/manifests/${other.digest}`;
    expect((await call('DELETE', path)).status).toBe(202);
  });
  expect(d1RowsRead).toBeLessThan(200);
});
