import { expect, test } from 'vitest';
import { Register } from '../../scripts/soak/register.ts';

test('a change that was answered is certain', () => {
  const register = new Register<string | null>(null);
  const change = register.begin('a');
  expect(register.possible).toEqual([null, 'a']);
  register.end(change, 'done');
  expect(register.certain).toBe('a');
});

test('one that was refused has changed nothing, one that was cut off may have', () => {
  const register = new Register('a');
  register.end(register.begin('b'), 'refused');
  expect(register.certain).toBe('a');
  register.end(register.begin('b'), 'unknown');
  expect(register.certain).toBeUndefined();
  expect([register.may('a'), register.may('b')]).toEqual([true, true]);
});

test('of two at the same time either may be the last', () => {
  const register = new Register('a');
  const first = register.begin('b');
  const second = register.begin('c');
  register.end(first, 'done');
  register.end(second, 'done');
  expect(register.certain).toBeUndefined();
  register.end(register.begin('d'), 'done');
  expect(register.certain).toBe('d');
});

test('a read settles what nobody changed meanwhile', () => {
  const register = new Register('a');
  register.end(register.begin('b'), 'unknown');
  const { version } = register;
  const change = register.begin('c');
  register.observe('a', version);
  expect(register.is('a')).toBe(false);
  register.end(change, 'unknown');
  register.observe('a', register.version);
  expect(register.certain).toBe('a');
});
