/** The limit of an invocation, which the local runtime does not have: here of each alarm of a transfer. */
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { Transfer } from '../../src/transfer/transfer.ts';

/** https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const MOST = 1000;

/** What each alarm asked so far of D1, R2 and other hosts. */
export let alarms: number[] = [];

/** Counts from now on what alarms ask; what is too much fails as on the platform. Until mocks are restored. */
export function watchAlarms(): void {
  alarms = [];
  const { alarm } = Transfer.prototype;
  vi.spyOn(Transfer.prototype, 'alarm').mockImplementation(function (this: Transfer) {
    alarms.push(0);
    return alarm.call(this);
  });
  limit(globalThis, 'fetch', () => 1, 'Too many subrequests by single Worker invocation.');
  const words = 'D1_ERROR: Too many API requests by single Worker invocation.';
  limit(Object.getPrototypeOf(env.DB), 'batch', (statements) => statements.length, words);
  limit(Object.getPrototypeOf(env.DB.prepare('SELECT 1')), 'all', () => 1, words);
  limit(Object.getPrototypeOf(env.BUCKET), 'get', () => 1, words);
  limit(Object.getPrototypeOf(env.BUCKET), 'put', () => 1, words);
}

function limit(
  target: object,
  method: string,
  cost: (parameter: unknown[]) => number,
  words: string,
): void {
  const original = Reflect.get(target, method) as (...parameters: unknown[]) => Promise<unknown>;
  vi.spyOn(target as Record<string, () => unknown>, method).mockImplementation(function (
    this: unknown,
    ...parameters: unknown[]
  ) {
    const last = alarms.length - 1;
    alarms[last] = (alarms[last] ?? 0) + cost(parameters[0] as unknown[]);
    return (alarms[last] ?? 0) > MOST
      ? Promise.reject(new Error(words))
      : Reflect.apply(original, this, parameters);
  });
}
