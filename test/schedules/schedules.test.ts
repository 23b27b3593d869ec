/**
 * Random programs of pushes, deletes, mounts and collection, at the same time and under faults of R2, D1
 * and the Durable Objects. `npm run schedules -- --count 10000 --seed 1` runs more of them.
 */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { reconcile } from '../../src/lifecycle/reconcile.ts';
import { LIFETIMES } from '../../src/storage/metadata/lifetimes.ts';
import { expectRightUsage } from '../support/quotas.ts';
import { keysInBucket, newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';
import { program } from './program.ts';
import { type Done, Schedule } from './schedule.ts';

const COUNT = inject('schedules');

afterEach(() => {
  vi.restoreAllMocks();
});

/** An object may be of any age to be an orphan: R2's clock cannot be turned. */
const lifetimes = { ...LIFETIMES, orphan: -1 };

const EMPTY = ['uploads', 'trash', 'collection_queue', 'deleted_manifests', 'manifests', 'blobs'];

const COUNTS = `SELECT json_object(${EMPTY.map(
  (table) => `'${table}', (SELECT count(*) FROM ${table})`,
).join(', ')})`;

/** How many rows there are in each of the tables. */
const rows = async (): Promise<Record<string, number>> =>
  JSON.parse(String((await query(COUNTS))[0]));

const NONE = Object.fromEntries(EMPTY.map((table) => [table, 0]));

/** Lets everything that nothing holds go: what stays though it should not fails the test. */
async function expectNothingLeft(): Promise<void> {
  const stores = newStores(undefined, { lifetimes });
  for (let round = 0; round < 8; round++) {
    await wait(20 * DAY);
    await stores.metadata.uploads.abandonOverdue(0);
    await reconcile(stores);
    expect(await collect(stores)).toMatchObject({ isDone: true });
    if (Object.values(await rows()).every((count) => count === 0)) {
      break;
    }
  }
  expect(await rows()).toEqual(NONE);
  const keys = await keysInBucket();
  expect(keys.filter((key) => !key.startsWith('backups/'))).toEqual([]);
  await expectRightUsage();
  await env.DB.batch([
    env.DB.prepare('DELETE FROM tag_history'),
    env.DB.prepare('DELETE FROM repositories'), // nothing is in them: the next schedule has its own
  ]);
}

/** Takes away what a schedule that failed has left. */
async function clear(): Promise<void> {
  if (Object.values(await rows()).some((count) => count > 0)) {
    const tables = [
      'tags',
      'manifest_children',
      'manifests',
      'deleted_manifests',
      'repository_blobs',
    ];
    await env.DB.batch(
      [
        ...tables,
        'blobs',
        'uploads',
        'trash',
        'collection_queue',
        'tag_history',
        'repositories',
      ].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
    );
  }
  await env.BUCKET.delete(await keysInBucket());
}

test(`${COUNT} schedules lose nothing and leave nothing`, { timeout: 36_000_000 }, async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // each fault is logged
  const sum: Done = { commands: 0, acknowledged: 0, calls: 0, faults: 0, crashes: 0 };
  let schedules = 0;
  const property = fc.asyncProperty(program, async (drawn) => {
    await clear();
    const done = await new Schedule(drawn).run();
    await expectNothingLeft();
    schedules += 1;
    for (const key of Object.keys(sum) as (keyof Done)[]) {
      sum[key] += done[key];
    }
  });
  await fc.assert(property, { numRuns: COUNT, seed: inject('seed') });
  console.log(`${schedules} schedules: ${JSON.stringify(sum)}`);
});
