/** Immutable tags, as those who push and delete meet them. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { collect } from '../../src/lifecycle/collect.ts';
import { ADMIN, call as api } from '../admin/api.ts';
import {
  call,
  errorsOf,
  expectError,
  newRepository,
  push,
  pushManifest,
} from '../support/client.ts';
import { randomImage, type TestManifest } from '../support/images.ts';
import { setTagRule } from '../support/retention.ts';
import { expectNoOrphans, newStores, query } from '../support/storage.ts';
import { DAY, wait } from '../support/wait.ts';

afterEach(async () => {
  await expectNoOrphans();
  await env.DB.exec('DELETE FROM tag_rules');
});

/** A repository with two images, the first of which has the tag. */
async function prepare(tag: string): Promise<[string, TestManifest, TestManifest]> {
  const [repository, first, second] = [newRepository(), randomImage(), randomImage()];
  await push(repository, first, tag);
  await push(repository, second);
  return [repository, first, second];
}

const remove = (repository: string, reference: string) =>
  call('DELETE', `/v2/${repository}/manifests/${reference}`);

async function digestOf(repository: string, tag: string): Promise<string | null> {
  const response = await call('HEAD', `/v2/${repository}/manifests/${tag}`);
  return response.headers.get('Docker-Content-Digest');
}

describe('an immutable tag', () => {
  test('is not moved; docker prints which, why and what to do', async () => {
    const [repository, first, second] = await prepare('v1');
    const namespace = await setTagRule(repository, { immutable: ['*'], except: ['latest'] });
    const refused = await pushManifest(repository, second, 'v1');
    expect(refused.status).toBe(403);
    expect(await errorsOf(refused)).toMatchObject([
      {
        code: 'DENIED',
        message:
          `the tag v1 names another manifest already, and a rule of the namespace ${namespace} ` +
          'makes tags like "*" immutable: push under another tag, or have an admin of the ' +
          'namespace change its tag rules',
      },
    ]);
    expect(await digestOf(repository, 'v1')).toBe(first.digest);
  });

  test('is not moved by a restore either, which says why', async () => {
    const [repository, first, second] = await prepare('v1');
    await push(repository, second, 'v1');
    const namespace = await setTagRule(repository, { immutable: ['v*'] });
    const path = `/repositories/${encodeURIComponent(repository)}/tags/v1/restore`;
    const refused = await api(ADMIN, 'POST', path, { body: { digest: first.digest } });
    expect(refused.status).toBe(403);
    expect(refused.json.detail).toBe(
      `the tag v1 names another manifest already, and a rule of the namespace ${namespace} makes ` +
        'tags like "v*" immutable: pull the other one by its digest, or have an admin of the ' +
        'namespace change its tag rules',
    );
    expect(await digestOf(repository, 'v1')).toBe(second.digest);
  });

  test('can be pushed again as it is', async () => {
    const [repository, first] = await prepare('v1');
    await setTagRule(repository, { immutable: ['v*'] });
    await push(repository, first, 'v1');
  });

  test('is new where it was not', async () => {
    const [repository, , second] = await prepare('v1');
    await setTagRule(repository, { immutable: ['*'] });
    await push(repository, second, 'v2');
    await expectError(await remove(repository, 'v2'), 403, 'DENIED');
  });

  test('refuses all of a push that names it among others by ?tag=', async () => {
    const [repository, , second] = await prepare('v1');
    await setTagRule(repository, { immutable: ['v*'] });
    const path = `${second.digest}?tag=other&tag=v1`;
    await expectError(await pushManifest(repository, second, path), 403, 'DENIED');
    expect(await digestOf(repository, 'other')).toBeNull();
  });

  test('is not deleted, nor its manifest', async () => {
    const [repository, first] = await prepare('v1');
    await setTagRule(repository, { immutable: ['v1'] });
    for (const [reference, what] of [
      ['v1', 'cannot be deleted'],
      [first.digest, 'names the manifest'],
    ] as const) {
      const refused = await remove(repository, reference);
      expect(refused.status).toBe(403);
      const [error] = await errorsOf(refused);
      expect(error?.message).toContain(`the tag v1 ${what}`);
    }
    expect(await digestOf(repository, 'v1')).toBe(first.digest);
  });

  test('loses a race: one of two pushes of a new tag is refused', async () => {
    const [repository, ...images] = await prepare('other');
    await setTagRule(repository, { immutable: ['v*'] });
    for (let round = 0; round < 5; round++) {
      const pushes = images.map((image) => pushManifest(repository, image, `v${round}`));
      const answers = await Promise.all(pushes);
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 403]);
      const winner = images[answers.findIndex(({ status }) => status === 201)];
      expect(await digestOf(repository, `v${round}`)).toBe(winner?.digest);
    }
  });

  test('moves and goes when the rule is gone', async () => {
    const [repository, , second] = await prepare('v1');
    await setTagRule(repository, { immutable: ['*'] });
    await env.DB.exec('DELETE FROM tag_rules');
    await push(repository, second, 'v1');
    expect((await remove(repository, 'v1')).status).toBe(202);
  });
});

describe('a rule', () => {
  test('excepts tags', async () => {
    const [repository, , second] = await prepare('dev-1');
    await setTagRule(repository, { immutable: ['*'], except: ['latest', 'dev-*'] });
    await push(repository, second, 'dev-1');
    expect((await remove(repository, 'dev-1')).status).toBe(202);
  });

  test('tells upper from lower case and has no other wildcard', async () => {
    const [repository, , second] = await prepare('V1');
    await setTagRule(repository, { immutable: ['v*', 'V.'] });
    await push(repository, second, 'V1');
  });

  test('of a repository replaces that of its namespace, and has no say in others', async () => {
    const [free, , second] = await prepare('v1');
    const [bound, , third] = await prepare('v1');
    await setTagRule(free, { immutable: ['*'] });
    await setTagRule(free, { repository: free, immutable: [] });
    await push(free, second, 'v1');
    await expectError(await pushManifest(bound, third, 'v1'), 403, 'DENIED');
  });

  test('lets tags that follow a subject move, and go with it', async () => {
    const [repository, image] = await prepare('v1');
    const signatures = [randomImage(), randomImage()] as const;
    const tag = `${image.digest.replace(':', '-')}.sig`;
    await setTagRule(repository, { immutable: ['*'], except: ['v1'] });
    for (const signature of signatures) {
      await push(repository, signature, tag);
    }
    await remove(repository, image.digest);
    await wait(2 * DAY);
    await collect(newStores());
    expect(await digestOf(repository, tag)).toBeNull();
  });

  test('with as many stars as fit decides at once', async () => {
    const tag = `${'a'.repeat(127)}b`;
    const [repository, , second] = await prepare(tag);
    await setTagRule(repository, { immutable: ['*a'.repeat(25)], except: ['*a'.repeat(24)] });
    await push(repository, second, tag);
  });
});

test('a refusal leaves no entry in the audit log', async () => {
  const [repository, first, second] = await prepare('v1');
  await setTagRule(repository, { immutable: ['*'] });
  await pushManifest(repository, second, 'v1');
  await remove(repository, 'v1');
  await remove(repository, first.digest);
  const events = await query(
    'SELECT event FROM audit WHERE repository = ?1 ORDER BY id',
    repository,
  );
  expect(events).toEqual(['manifest.push', 'tag.set', 'manifest.push']);
});
