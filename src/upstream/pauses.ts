import type { Limits } from './limits.ts';

/** How an upstream answered of late. Times in milliseconds since the epoch. */
export interface UpstreamState {
  pausedUntil: number; // it said 429: nobody asks before then
  refusals: number; // 429 behind each other
  limit: number | null; // requests in its window, as it says
  remaining: number | null;
  failedAt: number | null; // when it did not answer last
}

export const NEW: UpstreamState = {
  pausedUntil: 0,
  refusals: 0,
  limit: null,
  remaining: null,
  failedAt: null,
};

const FIRST_PAUSE = 30; // seconds, doubled by each 429 that does not say how long
const LONGEST_PAUSE = 60 * 60; // seconds

/** For how many seconds from `now` the upstream is not asked; 0 when it may be. */
export function secondsLeft({ pausedUntil }: UpstreamState, now: number): number {
  return Math.max(0, Math.ceil((pausedUntil - now) / 1000));
}

/** After an answer with `status`, or none (null). */
export function after(
  state: UpstreamState,
  status: number | null,
  { limit, remaining, retryAfter }: Limits,
  now: number,
): UpstreamState {
  if (status === 429) {
    return pause(state, retryAfter, now);
  }
  const hasFailed = status === null || status >= 500;
  return {
    ...state,
    ...(limit !== null && { limit }),
    ...(remaining !== null && { remaining }),
    ...(hasFailed ? { failedAt: now } : { refusals: 0 }),
  };
}

/** Those that were under way when it began to refuse count as one. */
function pause(state: UpstreamState, retryAfter: number | null, now: number): UpstreamState {
  const isNew = state.pausedUntil <= now;
  const wasLongAgo = state.pausedUntil < now - LONGEST_PAUSE * 1000;
  const refusals = wasLongAgo ? 0 : state.refusals;
  const own = isNew ? FIRST_PAUSE * 2 ** refusals : 0;
  const seconds = Math.min(retryAfter ?? own, LONGEST_PAUSE);
  return {
    ...state,
    refusals: isNew ? Math.min(refusals + 1, 10) : refusals,
    remaining: 0,
    pausedUntil: Math.max(state.pausedUntil, now + seconds * 1000),
  };
}
