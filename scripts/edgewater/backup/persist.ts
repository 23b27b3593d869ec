import { setTimeout as sleep } from 'node:timers/promises';
import { RefusalError } from '../errors.ts';
import { RETRY_POLICY } from '../upload/retry.ts';

/** Does something that does no harm twice until it succeeds, or fails for good. */
export async function persist<T>(work: () => Promise<T>): Promise<T> {
  let wait = RETRY_POLICY.firstWait;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === RETRY_POLICY.attempts || !isTransient(error)) {
        throw error;
      }
      await sleep(wait);
      wait = Math.min(wait * 2, RETRY_POLICY.longestWait);
    }
  }
}

function isTransient(error: unknown): boolean {
  return (
    error instanceof RefusalError &&
    (error.status === null || error.status === 429 || error.status >= 500)
  );
}
