/** Which tokens are kept, and how often one is asked for. */
import { describe, expect, test } from 'vitest';
import type { Authorization } from '../../src/upstream/authenticate.ts';
import { TokenCache } from '../../src/upstream/token-cache.ts';

const NAME = 'registry.example/app';

/** Counts what a cache asks for; each question waits for its answer. */
class Realm {
  readonly cache = new TokenCache();
  readonly questions: PromiseWithResolvers<Authorization>[] = [];

  get(rejected: string | null = null): Promise<string> {
    return this.cache.get(NAME, rejected, () => {
      const question = Promise.withResolvers<Authorization>();
      this.questions.push(question);
      return question.promise;
    });
  }

  answer(index: number, header: string, lifetime = 300): void {
    this.questions[index]?.resolve({ header, lifetime });
  }
}

test('all who need a token meanwhile wait for the same', async () => {
  const realm = new Realm();
  const waiting = [realm.get(), realm.get(), realm.get()];
  realm.answer(0, 'a');
  expect(await Promise.all(waiting)).toEqual(['a', 'a', 'a']);
  expect(await realm.get()).toBe('a');
  expect(realm.questions).toHaveLength(1);
});

test('one that was rejected is asked for anew; one that came since is good', async () => {
  const realm = new Realm();
  const first = realm.get();
  realm.answer(0, 'a');
  await first;
  const second = realm.get('a');
  realm.answer(1, 'b');
  expect(await second).toBe('b');
  expect(await realm.get('a')).toBe('b');
  expect(realm.questions).toHaveLength(2);
});

test('after a failure the next one asks', async () => {
  const realm = new Realm();
  const waiting = [realm.get(), realm.get()];
  realm.questions[0]?.reject(new Error('no answer'));
  expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
  ]);
  const again = realm.get();
  realm.answer(1, 'a');
  expect(await again).toBe('a');
});

describe('what was asked for before the cache was cleared', () => {
  test('is not kept, nor does it end the question since', async () => {
    const realm = new Realm();
    const first = realm.get();
    realm.cache.clear();
    const second = realm.get();
    realm.answer(0, 'old');
    expect(await first).toBe('old');
    expect(realm.cache.known(NAME)).toBeNull();
    const third = realm.get();
    expect(realm.questions).toHaveLength(2);
    realm.answer(1, 'new');
    expect(await Promise.all([second, third])).toEqual(['new', 'new']);
    expect(realm.cache.known(NAME)).toBe('new');
  });

  test('does not replace what came since', async () => {
    const realm = new Realm();
    const first = realm.get();
    realm.cache.clear();
    const second = realm.get();
    realm.answer(1, 'new');
    await second;
    realm.answer(0, 'old');
    await first;
    expect(realm.cache.known(NAME)).toBe('new');
  });

  test('is not kept when nothing was asked since either', async () => {
    const realm = new Realm();
    const first = realm.get();
    realm.cache.clear();
    realm.answer(0, 'old');
    await first;
    expect(realm.cache.known(NAME)).toBeNull();
  });
});
