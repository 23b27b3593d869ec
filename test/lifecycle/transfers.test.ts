/** What the clock does with transfers: wakes those that stand still, starts those that are due. */
import { beforeEach, expect, test } from 'vitest';
import { runTransfers } from '../../src/lifecycle/transfers.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { newStores, query } from '../support/storage.ts';

const stores = newStores();
const { replications, transfers } = stores.metadata;
const ACTOR = { principal: 'admin', address: null };
const ENTRY = { event: 'replication.set' };

const started: string[] = [];
const start = async (id: string) => {
  started.push(id);
};
const tick = () => {
  started.length = 0;
  return runTransfers(stores, start);
};

const BETWEEN = {
  source: parseRepositoryName('old.example.com/team/app'),
  target: parseRepositoryName('acme/app'),
  principal: 'admin',
  options: {
    isPush: false,
    isPrefix: false,
    tag: null,
    toTag: null,
    tags: [],
    exclude: [],
    withReferrers: true,
  },
};

const set = (name: string, isEnabled = true) =>
  replications.put({ name, ...BETWEEN, everyMinutes: 60, isEnabled }, ACTOR, ENTRY);

beforeEach(async () => {
  await query('DELETE FROM replications');
  await query('DELETE FROM transfers');
});

async function end(id: string): Promise<void> {
  const record = await transfers.find(id);
  await transfers.end(id, 'done', record?.progress as never, ACTOR, { event: 'transfer.end' });
}

test('one that is due is started, and then not before its time', async () => {
  await set('hourly');
  await set('disabled', false);
  expect(await tick()).toEqual({ woken: 0, replicated: 1 });
  const [id = ''] = started;
  expect(await replications.find('hourly')).toMatchObject({
    lastTransfer: id,
    lastState: 'running',
  });
  await end(id);
  expect(await tick()).toEqual({ woken: 0, replicated: 0 });
  await query('UPDATE replications SET next_run_at = next_run_at - 3600');
  expect(await tick()).toEqual({ woken: 0, replicated: 1 });
});

test('one whose last transfer is running is not started beside it', async () => {
  await set('hourly');
  await tick();
  await query('UPDATE replications SET next_run_at = 0');
  expect(await tick()).toEqual({ woken: 0, replicated: 0 });
  const replication = await replications.find('hourly');
  expect(replication && (await replications.start(replication, 'another', ACTOR))).toBe(false);
});

test('a transfer that says nothing is woken, and one that ended long ago forgotten', async () => {
  await set('hourly');
  await tick();
  const [id = ''] = started;
  await query('UPDATE transfers SET updated_at = updated_at - 600');
  expect(await tick()).toEqual({ woken: 1, replicated: 0 });
  expect(started).toEqual([id]);
  await end(id);
  await query('UPDATE transfers SET finished_at = finished_at - 91 * 86400');
  await tick();
  expect(await transfers.find(id)).toBeNull();
  expect(await replications.find('hourly')).toMatchObject({ lastTransfer: id, lastState: null });
});
