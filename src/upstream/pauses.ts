import type { Limits } from './limits.ts';

/** How an upstream answered of late. Times in milliseconds since the epoch. */
export interface UpstreamState {
  pausedAt: number; // when it said 429
  pausedUntil: number; // nobody asks before then
  refusals: number; // pauses of which each began soon after the one before
  limit: number | null; // requests in its window, as it says
  remaining: number | null;
  failedAt: number | null; // when it last said 5xx, or nothing
}

export const NEW: UpstreamState = {
  pausedAt: 0,
  pausedUntil: 0,
  refusals: 0,
  limit: null,
  remaining: null,
  failedAt: null,
};

const FIRST_PAUSE = 30; // seconds, where a 429 does not say how long; doubled by each refusal
const LONGEST_PAUSE = 60 * 60; // seconds
const MOST_REFUSALS = 10; // more make no pause longer

/** For how many seconds from `now` the upstream is not asked; 0 when it may be. */
export function secondsLeft({ pausedUntil }: UpstreamState, now: number): number {
  return Math.max(0, Math.ceil((pausedUntil - now) / 1000));
}

/** As administrators see it at `now`: during a pause no requests are left. */
export function shown(state: UpstreamState, now: number): UpstreamState {
  return now < state.pausedUntil ? { ...state, remaining: 0 } : state;
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
  const isOfBefore = now < state.pausedUntil; // what was under way when it began to refuse
  return {
    ...state,
    ...(limit !== null && { limit }),
    ...(remaining !== null && !isOfBefore && { remaining }),
    ...((status === null || status >= 500) && { failedAt: now }),
  };
}

/**
 * Refusals of requests that were under way when the pause began count as one. How soon the next one comes
 * says whether the pause was too short: most upstreams say nothing with which a success could tell.
 */
function pause(state: UpstreamState, retryAfter: number | null, now: number): UpstreamState {
  const isNew = state.pausedUntil <= now;
  const isSoon = now - state.pausedUntil <= state.pausedUntil - state.pausedAt;
  const refusals = isNew ? 1 + (isSoon ? state.refusals : 0) : state.refusals;
  const own = isNew ? FIRST_PAUSE * 2 ** (refusals - 1) : 0;
  const pausedUntil = now + Math.min(retryAfter ?? own, LONGEST_PAUSE) * 1000;
  return pausedUntil < state.pausedUntil
    ? state
    : {
        ...state,
        pausedAt: now,
        pausedUntil,
        refusals: Math.min(refusals, MOST_REFUSALS),
        remaining: null,
      };
}
