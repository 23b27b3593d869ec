/** What retention's runs delete, and what they leave alone. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collect } from '../../../src/lifecycle/collect.ts';
import { type RetentionRun, runDue } from '../../../src/lifecycle/retention/run.ts';
import { runSchedule } from '../../../src/lifecycle/schedule.ts';
import { ADMIN, call as callApi } from '../../admin/api.ts';
import { cachePutsDuring } from '../../support/cache-puts.ts';
import { call, newRepository, push } from '../../support/client.ts';
import { randomImage, type TestManifest } from '../../support/images.ts';
import { setPolicy, setTagRule } from '../../support/retention.ts';
import { expectNoOrphans, newStores, query } from '../../support/storage.ts';
import { DAY, wait } from '../../support/wait.ts';

/** Deletes all tags but the last pushed one. */
const KEEP_ONE = [
  { action: 'keep', name: 'newest', lastPushed: 1 },
  { action: 'delete', name: 'rest' },
];

let repository: string;
let images: Record<string, TestManifest>;

/** A repository with one image for each tag, a day apart, the last pushed now. */
beforeEach(async () => {
  repository = newRepository();
  images = {};
  for (const tag of ['v1', 'v2', 'v3']) {
    await wait(DAY);
    images[tag] = randomImage();
    await push(repository, images[tag], tag);
  }
});

afterEach(async () => {
  await expectNoOrphans();
  await env.DB.batch([
    env.DB.prepare('DELETE FROM tag_rules'),
    env.DB.prepare('DELETE FROM tags'),
    env.DB.prepare('DELETE FROM retention_policies'),
  ]);
});

async function tags(name = repository): Promise<string[]> {
  const response = await call('GET', `/v2/${name}/tags/list`);
  return ((await response.json()) as { tags: string[] }).tags;
}

/** What the audit log says of deleted tags. */
async function deletions(): Promise<unknown[]> {
  const filter = new URLSearchParams({ repository, event: 'tag.delete' });
  return (await callApi(ADMIN, 'GET', `/audit?${filter}`)).json.entries;
}

const manifestCount = async () =>
  (
    await query(
      'SELECT digest FROM manifests JOIN repositories ON id = repository_id WHERE name = ?1',
      repository,
    )
  ).length;

const runClock = async () =>
  (await runSchedule(newStores(), async () => {})).retention as RetentionRun;

describe('the clock', () => {
  test('runs a policy when its time has come, and again an interval later', async () => {
    await setPolicy(repository, { rules: KEEP_ONE, everyHours: 48 });
    await wait(2 * DAY - 60);
    expect(await runClock()).toMatchObject({ repositories: 0, tags: 0, isDone: true });
    await wait(60);
    expect(await runClock()).toMatchObject({ tags: 2, skipped: [], isDone: true });
    expect(await tags()).toEqual(['v3']);
    await push(repository, randomImage(), 'v4');
    await wait(2 * DAY - 60);
    expect(await runClock()).toMatchObject({ tags: 0 });
    await wait(60);
    expect(await runClock()).toMatchObject({ tags: 1 });
  });

  test('writes down each tag with its rule, so that it can be restored; its manifest follows', async () => {
    await setPolicy(repository, { rules: KEEP_ONE });
    await wait(DAY);
    await runClock();
    expect(await deletions()).toEqual(
      ['v1', 'v2'].map((tag) => ({
        id: expect.any(Number),
        at: expect.any(String),
        event: 'tag.delete',
        principal: 'retention',
        address: null,
        namespace: repository.split('/')[0],
        repository,
        target: tag,
        before: images[tag]?.digest,
        after: null,
        reason: 'rest',
      })),
    );
    await wait(14 * DAY - 60);
    await collect(newStores());
    expect(await manifestCount()).toBe(3);
    await wait(60);
    await collect(newStores());
    expect(await manifestCount()).toBe(1);
  });

  test('does not run a policy that is disabled, or removed', async () => {
    await setPolicy(repository, { rules: KEEP_ONE, isEnabled: false });
    await wait(2 * DAY);
    expect(await runClock()).toMatchObject({ tags: 0 });
    expect(await tags()).toHaveLength(3);
  });

  test('gives other rules a whole interval before they count', async () => {
    await setPolicy(repository, { rules: [{ action: 'delete', include: ['none'] }] });
    await wait(DAY - 60);
    await setPolicy(repository, { rules: KEEP_ONE });
    await wait(DAY - 60);
    await setPolicy(repository, { rules: KEEP_ONE });
    expect(await runClock()).toMatchObject({ tags: 0 });
    await wait(60);
    expect(await runClock()).toMatchObject({ tags: 2 });
  });

  test('looks only at repositories that the rules are about', async () => {
    const other = newRepository();
    await push(other, randomImage(), 'v1');
    const name = other.slice(other.indexOf('/') + 1);
    await setPolicy(repository, { rules: [{ action: 'delete', repositories: name }] });
    await wait(DAY);
    expect(await runClock()).toMatchObject({ tags: 1 });
    expect([await tags(other), await tags()]).toEqual([[], ['v1', 'v2', 'v3']]);
  });

  test('goes on where the last run has stopped', async () => {
    await setPolicy(repository, { rules: [{ action: 'delete' }] });
    await env.DB.prepare('UPDATE retention_policies SET place = ?1')
      .bind(`${repository}-more`)
      .run();
    await wait(DAY);
    expect(await runClock()).toMatchObject({ repositories: 0, tags: 0 });
    expect(await query('SELECT place FROM retention_policies')).toEqual(['']);
    await wait(DAY);
    expect(await runClock()).toMatchObject({ tags: 3 });
  });

  test('stops after 5,000 tags, and the next run does the rest', async () => {
    await env.DB.prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 6000)
       INSERT INTO tags (repository_id, name, digest, updated_at)
       SELECT repository_id, 'build-' || n, digest, updated_at - n FROM tags, numbers WHERE name = 'v1'`,
    ).run();
    await setPolicy(repository, { rules: KEEP_ONE });
    await wait(DAY);
    expect(await runClock()).toMatchObject({ tags: 5000, isDone: false });
    expect(await runClock()).toMatchObject({ tags: 1002, isDone: true });
    expect(await tags()).toEqual(['v3']);
  });
});

test('marks a few tags as deleted where answers about tags are remembered, however many go', async () => {
  await env.DB.prepare(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 600)
     INSERT INTO tags (repository_id, name, digest, updated_at)
     SELECT repository_id, 'build-' || n, digest, updated_at - n FROM tags, numbers WHERE name = 'v1'`,
  ).run();
  await setPolicy(repository, { rules: KEEP_ONE });
  await wait(DAY);
  const stores = newStores(undefined, { maxAges: { membership: 60, tag: 60 } });
  const puts = await cachePutsDuring(async () =>
    expect(await runDue(stores)).toMatchObject({ tags: 602, isDone: true }),
  );
  expect(puts).toBe(20);
});

describe('between the decision and the deletion', () => {
  /** Runs what is due, and does something when the tags were looked at. */
  async function runWith(meanwhile: () => Promise<unknown>): Promise<RetentionRun> {
    const stores = newStores();
    const { retentionTags } = stores.metadata;
    const read = retentionTags.tags.bind(retentionTags);
    retentionTags.tags = async (...parameters) => {
      const found = await read(...parameters);
      if (parameters[0] === id) {
        await meanwhile();
      }
      return found;
    };
    const [id] = await query('SELECT id FROM repositories WHERE name = ?1', repository);
    await setPolicy(repository, { rules: KEEP_ONE });
    await wait(DAY);
    return runDue(stores);
  }

  test.each([
    ['is moved', (): Promise<unknown> => push(repository, randomImage(), 'v1')],
    ['is pushed again', (): Promise<unknown> => push(repository, images.v1 as TestManifest, 'v1')],
    ['is made immutable', (): Promise<unknown> => setTagRule(repository, { immutable: ['v1'] })],
  ])('a tag that %s stays', async (_, meanwhile) => {
    expect(await runWith(meanwhile)).toMatchObject({ tags: 1 });
    expect(await tags()).toEqual(['v1', 'v3']);
    expect(await deletions()).toMatchObject([{ target: 'v2' }]);
  });

  test.each([
    ['others', { rules: [{ action: 'delete', include: ['v3'] }] }],
    ['disabled', { rules: KEEP_ONE, isEnabled: false }],
  ])('rules that are %s by then delete nothing', async (_, policy) => {
    expect(await runWith(() => setPolicy(repository, policy))).toMatchObject({ tags: 0 });
    expect(await tags()).toEqual(['v1', 'v2', 'v3']);
  });

  test('two runs at once delete each tag once', async () => {
    await setPolicy(repository, { rules: KEEP_ONE });
    await wait(DAY);
    const runs = await Promise.all([runDue(newStores()), runDue(newStores())]);
    expect(runs.reduce((sum, { tags }) => sum + tags, 0)).toBe(2);
  });
});

test('immutable tags stay, and nothing fails', async () => {
  await setTagRule(repository, { immutable: ['v1'] });
  await setPolicy(repository, { rules: [{ action: 'delete' }] });
  await wait(DAY);
  expect(await runClock()).toMatchObject({ tags: 2 });
  expect(await tags()).toEqual(['v1']);
});

test('what was pulled by its tag or its digest is in use', async () => {
  await setPolicy(repository, { rules: [{ action: 'delete', notPulledForDays: 10 }] });
  await wait(20 * DAY);
  for (const reference of ['v1', images.v2?.digest ?? '']) {
    await env.DB.prepare(
      'INSERT INTO pulls SELECT id, ?2, 1, unixepoch() - 86400 FROM repositories WHERE name = ?1',
    )
      .bind(repository, reference)
      .run();
  }
  expect(await runClock()).toMatchObject({ tags: 1 });
  expect(await tags()).toEqual(['v1', 'v2']);
});
