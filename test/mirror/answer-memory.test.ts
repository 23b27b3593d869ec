import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AnswerMemory } from '../../src/mirror/answer-memory.ts';
import type { UpstreamRecord } from '../../src/storage/metadata/upstreams.ts';

const DAY = 24 * 60 * 60; // seconds

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  [DAY, 30],
  [5, 5],
])(
  'with absences of %i seconds an upstream that could not tell is asked again after %i',
  (missingMaxAge, seconds) => {
    const memory = new AnswerMemory();
    const state = { staleBecause: 'it did not answer' };
    memory.noteStale(state, { missingMaxAge } as UpstreamRecord);
    vi.advanceTimersByTime(seconds * 1000 - 1);
    expect(memory.stale()).toEqual(state);
    vi.advanceTimersByTime(1);
    expect(memory.stale()).toBeNull();
  },
);
