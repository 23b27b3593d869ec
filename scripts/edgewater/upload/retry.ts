import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError } from './connection-error.ts';
import type { Answer } from './upstream.ts';

/** How often and how soon to try again. */
export interface RetryPolicy {
  attempts: number; // that in a row bring nothing
  firstWait: number; // milliseconds; each wait is up to twice the one before
  longestWait: number; // milliseconds
}

/**
 * 16 attempts wait 2.5 to 5 minutes in all, and take longer where each one stalls first. So long may
 * an edge fail, or a line be gone; Edgewater itself lets go of a dead connection after 5 seconds,
 * when a chunk with Content-Range goes on where it ended.
 */
export const RETRY_POLICY: RetryPolicy = { attempts: 16, firstWait: 500, longestWait: 30_000 };

const LONGEST_RETRY_AFTER = 300; // seconds

/**
 * Statuses that another try may change: RFC 9110's, 429 of RFC 6585, and those that Cloudflare's edge
 * answers with while it does not reach what is behind it.
 * https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** Whether it is worth to try again after this. */
export function isTransient(outcome: Answer | ConnectionError): boolean {
  return outcome instanceof ConnectionError ? !outcome.isPermanent : TRANSIENT.has(outcome.status);
}

/** Counts the failures in a row of one upload or request, and waits between them. */
export class Retry {
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal;
  #failures = 0;

  constructor(policy: RetryPolicy, signal: AbortSignal) {
    this.#policy = policy;
    this.#signal = signal;
  }

  /** Something went forward: the count begins anew. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * Waits as long as the answer asks for (Retry-After), and longer after each failure.
   *
   * @returns false, at once, when it has been tried often enough
   * @throws the signal's reason
   */
  async wait(outcome: Answer | ConnectionError): Promise<boolean> {
    this.#failures += 1;
    if (this.#failures >= this.#policy.attempts) {
      return false;
    }
    const { firstWait, longestWait } = this.#policy;
    const longest = Math.min(longestWait, firstWait * 2 ** (this.#failures - 1));
    const wait = Math.max(longest * (0.5 + Math.random() / 2), retryAfter(outcome));
    await sleep(wait, undefined, { signal: this.#signal }).catch((error: unknown) => {
      this.#signal.throwIfAborted();
      throw error;
    });
    return true;
  }
}

/** What Retry-After says (RFC 9110 section 10.2.3), in milliseconds. */
function retryAfter(outcome: Answer | ConnectionError): number {
  const header = outcome instanceof ConnectionError ? undefined : outcome.headers['retry-after'];
  if (header === undefined) {
    return 0;
  }
  const seconds = /^\d+$/.test(header)
    ? Number(header)
    : (Date.parse(header) - Date.now()) / 1000 || 0;
  return Math.min(Math.max(seconds, 0), LONGEST_RETRY_AFTER) * 1000;
}
