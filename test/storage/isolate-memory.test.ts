import fc from 'fast-check';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { IsolateMemory } from '../../src/storage/isolate-memory.ts';

fc.configureGlobal({ seed: inject('seed') });

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const step = fc.oneof(
  fc.record({
    do: fc.constant('set' as const),
    key: fc.nat(9),
    size: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ do: fc.constant('get' as const), key: fc.nat(9) }),
  fc.record({ do: fc.constant('delete' as const), key: fc.nat(9) }),
);

test('never more than its capacity, and what was used last stays longest', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new IsolateMemory<number>(100);
      let model: [key: string, size: number][] = []; // the most recently used last
      for (const { key: number, ...action } of steps) {
        const key = String(number);
        const known = model.find(([name]) => name === key);
        if (action.do === 'get') {
          expect(memory.get(key)).toBe(known?.[1]);
        } else if (action.do === 'delete') {
          memory.delete(key);
        } else {
          memory.set(key, action.size, action.size);
        }
        model = model.filter(([name]) => name !== key);
        if (action.do === 'set') {
          model.push([key, action.size]);
          while (model.reduce((sum, [, size]) => sum + size, 0) > 100) {
            model.shift();
          }
        } else if (action.do === 'get' && known !== undefined) {
          model.push(known);
        }
      }
      for (const [key, size] of model) {
        expect(memory.get(key)).toBe(size);
      }
    }),
  );
});

test('a value that does not fit is not kept, nor is what was there', () => {
  const memory = new IsolateMemory<string>(10);
  memory.set('small', 'a', 4);
  memory.set('large', 'b', 11);
  expect([memory.get('small'), memory.get('large')]).toEqual([undefined, undefined]);
  memory.set('small', 'c', 10);
  expect(memory.get('small')).toBe('c');
});

test('a value is gone at its end', () => {
  const memory = new IsolateMemory<string>(10);
  memory.set('key', 'value', 10, Date.now() + 1000);
  vi.advanceTimersByTime(999);
  expect(memory.get('key')).toBe('value');
  vi.advanceTimersByTime(1);
  expect(memory.get('key')).toBeUndefined();
  memory.set('other', 'value', 10); // the room is free again
  expect(memory.get('other')).toBe('value');
});
