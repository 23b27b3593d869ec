/** What the clock does with transfers: wakes those that stand still, starts those that are due. */
import { beforeEach, expect, test } from 'vitest';
import { runTransfers } from '../../src/lifecycle/transfers.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { newStores, query } from '../support/storage.ts';

const stores = newStores();
const { replications, transfers, users } = stores.metadata;
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

const set = (name: string, isEnabled = true, principal = 'admin') =>
  replications.put({ name, ...BETWEEN, everyMinutes: 60, isEnabled, principal }, ACTOR, ENTRY);

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

test('one that cannot be started keeps no other, and the run counts as failed', async () => {
  await set('first');
  await tick();
  await query('UPDATE transfers SET updated_at = updated_at - 600');
  await set('second');
  const asked: string[] = [];
  const failing = async (id: string) => {
    asked.push(id);
    throw new Error('the object does not answer');
  };
  await expect(runTransfers(stores, failing)).rejects.toThrow('could not be started');
  expect(asked.length).toBe(2);
  expect(await replications.find('second')).toMatchObject({ lastTransfer: asked[1] });
});

test('a replication does not outlive the rights of who set it', async () => {
  const account = { name: 'deputy', password: 'x', isAdmin: true };
  await users.create(account, ACTOR, { event: 'user.create' });
  await set('theirs', true, 'deputy');
  expect(await tick()).toMatchObject({ replicated: 1 });
  await end(started[0] ?? '');
  await query('UPDATE replications SET next_run_at = 0');
  await users.update('deputy', { isAdmin: false }, ACTOR, { event: 'user.update' });
  const replication = await replications.find('theirs');
  expect(replication && (await replications.start(replication, 'another', ACTOR))).toBe(false);
  expect(await tick()).toMatchObject({ replicated: 0 });
  expect(await replications.find('theirs')).toMatchObject({ isEnabled: false });
  const noted = `SELECT target || ' ' || before FROM audit WHERE event = 'replication.disable'`;
  expect(await query(noted)).toEqual(['theirs deputy']);
  await set('gone', true, 'nobody');
  expect(await tick()).toMatchObject({ replicated: 0 });
  expect(await replications.find('gone')).toMatchObject({ isEnabled: false });
});

test('of the transfers of a replication the last few are kept', async () => {
  await set('often');
  for (let run = 0; run < 15; run++) {
    await tick();
    await end(started[0] ?? '');
    await query('UPDATE replications SET next_run_at = 0');
  }
  const ids = (await transfers.list(null, Number.MAX_SAFE_INTEGER, 100)).map(({ id }) => id);
  expect(ids.length).toBe(11);
  expect(ids[0]).toBe(started[0]);
});
