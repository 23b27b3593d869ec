/** How often a login is tried that is refused. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LoginRefused, RefusedLogins } from '../../src/upstream/refused-logins.ts';

let refused: RefusedLogins;
let tried: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  refused = new RefusedLogins();
  tried = [];
});

afterEach(() => {
  vi.useRealTimers();
});

const logIn = (repository: string, error: Error | null = null) =>
  refused.during(repository, async () => {
    tried.push(repository);
    if (error !== null) {
      throw error;
    }
  });

test('one that was refused is not tried again for a minute, and fails as it did', async () => {
  const error = new LoginRefused('wrong');
  for (let turn = 0; turn < 3; turn++) {
    await expect(logIn('app', error)).rejects.toBe(error);
  }
  await logIn('other');
  expect(tried).toEqual(['app', 'other']);
  vi.setSystemTime(Date.now() + 60_000);
  await logIn('app');
  expect(tried).toEqual(['app', 'other', 'app']);
});

test('credentials that are not known are tried for no repository', async () => {
  const error = new LoginRefused('wrong', { isForAll: true });
  await expect(logIn('app', error)).rejects.toBe(error);
  await expect(logIn('other')).rejects.toBe(error);
  expect(tried).toEqual(['app']);
});

test('other failures are not remembered', async () => {
  await expect(logIn('app', new Error('no answer'))).rejects.toThrow('no answer');
  await logIn('app');
  expect(tried).toEqual(['app', 'app']);
});
