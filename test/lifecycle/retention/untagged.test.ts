/** How long untagged manifests stay is a rule of the namespace, which the collector keeps to. */
import { env } from 'cloudflare:workers';
import { afterEach, expect, test } from 'vitest';
import { collect } from '../../../src/lifecycle/collect.ts';
import { newRepository, push } from '../../support/client.ts';
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
