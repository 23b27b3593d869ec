import { describe, expect, test } from 'vitest';
import { isLinearizable, type Operation } from './check.ts';

const write = (value: string, start: number, end: number): Operation => ({
  client: 0,
  start,
  end,
  what: `write ${value}`,
  apply: () => value,
});

const read = (value: string | null, start: number, end: number): Operation => ({
  client: 1,
  start,
  end,
  what: `read ${value}`,
  apply: (now) => (now === value ? now : undefined),
});

describe('a history', () => {
  test('in which one reads what was written before is linearizable', () => {
    expect(isLinearizable([write('a', 0, 1), read('a', 2, 3)], null)).toBe(true);
  });

  test('in which one reads what was there before is not', () => {
    expect(isLinearizable([write('a', 0, 1), read(null, 2, 3)], null)).toBe(false);
  });

  test('in which a read and a write overlap may have either', () => {
    expect(isLinearizable([write('a', 0, 3), read(null, 1, 2)], null)).toBe(true);
    expect(isLinearizable([write('a', 0, 3), read('a', 1, 2)], null)).toBe(true);
  });

  test('in which the value goes back is not linearizable', () => {
    const operations = [write('a', 0, 9), read('a', 1, 2), read(null, 3, 4)];
    expect(isLinearizable(operations, null)).toBe(false);
  });

  test('with a write of which nobody knows may have it late or never, but not twice', () => {
    const unsure = write('a', 0, Number.POSITIVE_INFINITY);
    expect(isLinearizable([unsure, read(null, 1, 2), read('a', 3, 4)], null)).toBe(true);
    expect(isLinearizable([unsure, read(null, 1, 2)], null)).toBe(true);
    const again = [unsure, read('a', 1, 2), write('b', 3, 4), read('a', 5, 6)];
    expect(isLinearizable(again, null)).toBe(false);
  });
});
