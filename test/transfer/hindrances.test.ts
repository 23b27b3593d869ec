/** What comes in between while a transfer runs: a restore, another mirror, the end of its object. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { ADMIN, call } from '../admin/api.ts';
import { newRepository } from '../support/client.ts';
import { artifactOf } from '../support/images.ts';
import { query } from '../support/storage.ts';
import { elsewhere, MIRROR } from './elsewhere.ts';
import { begin, ended, look, run } from './transfers.ts';

const artifact = () => artifactOf('application/vnd.example.thing', null);

test('a restore pauses all of it', async () => {
  elsewhere.add(artifact(), 'v1');
  elsewhere.add(artifact(), 'v2');
  const begun = Promise.withResolvers<void>();
  elsewhere.reply = ({ path }) => {
    if (path.includes('/tags/list')) {
      begun.resolve();
    }
    return null;
  };
  await call(ADMIN, 'POST', '/namespaces', { body: { name: 'restored' } });
  await query(`INSERT INTO progress (job, state) SELECT 'restore', json_object('phase', 'open',
    'lastAudit', 0, 'own', max(id), 'audit', max(id) + 2) FROM audit`);
  const id = await begin({ from: `${MIRROR}/${newRepository()}`, to: 'restored/app' });
  await begun.promise;
  await expect
    .poll(() => look(id), { timeout: 20_000 })
    .toMatchObject({
      ...{ state: 'running', waiting: 2, failed: 0 },
      pausedBecause: expect.stringContaining('a restore is under way'),
    });
  await query(`DELETE FROM progress WHERE job = 'restore'`);
  await runDurableObjectAlarm(env.TRANSFERS.getByName(id));
  expect(await ended(id)).toMatchObject({ state: 'done', copied: 2, failed: 0 });
});

test('nothing is pushed to a namespace that has become a mirror', async () => {
  elsewhere.add(artifact(), 'v1');
  elsewhere.reply = async ({ path }) => {
    if (path.includes('/tags/list')) {
      const body = { url: 'https://other.example.com' };
      await call(ADMIN, 'PUT', '/upstreams/other.example.com', { body });
    }
    return null;
  };
  const id = await begin({ from: `${MIRROR}/${newRepository()}`, to: 'other.example.com/app' });
  const { state, failures } = await ended(id);
  expect(state).toBe('failed');
  expect(failures[0].reason).toContain('other.example.com has become a mirror');
  expect(await query(`SELECT 1 FROM repositories WHERE name = 'other.example.com/app'`)).toEqual(
    [],
  );
});

test('an object that has forgotten one can be started again', async () => {
  elsewhere.add(artifact(), 'v1');
  const body = { from: `${MIRROR}/${newRepository()}`, to: 'again/app' };
  const { id } = await run(body);
  await query(`UPDATE transfers SET state = 'running', finished_at = NULL WHERE id = ?1`, id);
  await env.TRANSFERS.getByName(id).start(id);
  expect(await ended(id)).toMatchObject({ state: 'done', present: 1 });
});
