/** Which tokens are kept, and how often one is asked for. */
import { expect, test } from 'vitest';
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

test('a token that was rejected is known no more, also when no other comes', async () => {
  const realm = new Realm();
  const first = realm.get();
  realm.answer(0, 'a');
  await first;
  const second = realm.get('a');
  realm.questions[1]?.reject(new Error('refused'));
  await expect(second).rejects.toThrow('refused');
  expect(realm.cache.known(NAME)).toBeNull();
});
