import { setTimeout as sleep } from 'node:timers/promises';

/** What a cache is filled with beside or behind a pull arrives no faster than this. */
const FILL_RATE = 100_000; // bytes a millisecond
const PAUSE = 500; // milliseconds

/** Waits until what was pulled for the first time is where a registry keeps what is warm. */
export async function settle(bytes: number): Promise<void> {
  await sleep(PAUSE + bytes / FILL_RATE);
}
