/** For how long an upstream that has had enough is left alone. */
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { after, NEW, secondsLeft, shown, type UpstreamState } from '../../src/upstream/pauses.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const HOUR = 3600; // seconds

const NOTHING = { limit: null, remaining: null, retryAfter: null };

/** An answer so many seconds after the one before. */
interface Answer {
  later: number; // seconds
  status: number | null;
  remaining?: number;
  retryAfter?: number;
}

/** The state after each of some answers, and when that was. */
function states(answers: readonly Answer[]): { state: UpstreamState; now: number }[] {
  let state = NEW;
  let now = NOW;
  return answers.map(({ later, status, ...limits }) => {
    now += later * 1000;
    state = after(state, status, { ...NOTHING, ...limits }, now);
    return { state, now };
  });
}

/** What is left of the pause after each of some answers, in seconds. */
const pauses = (answers: readonly Answer[]) =>
  states(answers).map(({ state, now }) => secondsLeft(state, now));

const limited = (later: number, retryAfter?: number): Answer => ({
  later,
  status: 429,
  ...(retryAfter !== undefined && { retryAfter }),
});

describe('a pause', () => {
  test('is twice as long each time that the upstream refuses soon after it, at most an hour', () => {
    const again = [30, 60, 120, 240, 480, 960, 1920, HOUR, HOUR].map((pause) => limited(pause));
    expect(pauses([limited(0), ...again])).toEqual([
      30,
      60,
      120,
      240,
      480,
      960,
      1920,
      HOUR,
      HOUR,
      HOUR,
    ]);
  });

  test('is short again when the last was over for longer than it had been', () => {
    expect(pauses([limited(0), limited(31), limited(60 + 61)])).toEqual([30, 60, 30]);
  });

  test('is as long as the upstream says, at most an hour', () => {
    expect(pauses([limited(0, 7), limited(100, 10 * HOUR)])).toEqual([7, HOUR]);
  });

  test('counts once what was under way when it began', () => {
    expect(pauses([limited(0), limited(1), limited(1), limited(28)])).toEqual([30, 29, 28, 60]);
  });

  test('does not become shorter by what was under way and succeeds', () => {
    const late = { later: 1, status: 200, remaining: 5 };
    expect(pauses([limited(0), late, limited(29)])).toEqual([30, 29, 60]);
  });
});

const answers = fc.array(
  fc.record(
    {
      later: fc.integer({ min: 0, max: 2 * HOUR }),
      status: fc.constantFrom(200, 404, 429, 500, null),
      remaining: fc.nat(100),
      retryAfter: fc.integer({ min: 0, max: 3 * HOUR }),
    },
    { requiredKeys: ['later', 'status'] },
  ),
);
const check = (property: (given: Answer[]) => void) =>
  fc.assert(fc.property(answers, property), { seed: inject('seed') });

describe('whatever is answered', () => {
  test('no pause is longer than an hour, and none ends before it was to', () => {
    check((given) => {
      let until = 0;
      for (const { state, now } of states(given)) {
        expect(secondsLeft(state, now)).toBeLessThanOrEqual(HOUR);
        expect(state.pausedUntil).toBeGreaterThanOrEqual(until);
        until = state.pausedUntil;
      }
    });
  });

  test('other answers than 429 change no pause', () => {
    check((given) => {
      let now = 0;
      const refusals: Answer[] = [];
      let before = 0;
      for (const answer of given) {
        now += answer.later;
        if (answer.status === 429) {
          refusals.push({ ...answer, later: now - before });
          before = now;
        }
      }
      const among = states(given).filter((_, index) => given[index]?.status === 429);
      expect(among.map(({ state }) => state.pausedUntil)).toEqual(
        states(refusals).map(({ state }) => state.pausedUntil),
      );
    });
  });

  test('after two quiet hours a pause is the first again', () => {
    check((given) => {
      expect(pauses([...given, limited(2 * HOUR + 1)]).at(-1)).toBe(30);
    });
  });
});

describe('the requests that are left', () => {
  const remaining = (given: readonly Answer[], later = 0) => {
    const { state, now } = states(given).at(-1) ?? { state: NEW, now: NOW };
    return shown(state, now + later * 1000).remaining;
  };
  const seven = { later: 0, status: 200, remaining: 7 };

  test('are what the upstream says', () => {
    expect(remaining([])).toBeNull();
    expect(remaining([seven])).toBe(7);
    expect(remaining([seven, { later: 1, status: 200 }])).toBe(7);
  });

  test('are none during a pause, and unknown after it', () => {
    expect(remaining([seven, limited(0)])).toBe(0);
    expect(remaining([seven, limited(0), seven], 29)).toBe(0);
    expect(remaining([seven, limited(0), seven], 30)).toBeNull();
    expect(remaining([seven, limited(0), { ...seven, later: 30 }])).toBe(7);
  });
});

test('a failure is noted: no answer, or 5xx', () => {
  const failures = states([200, 404, 429, 500, 200, null].map((status) => ({ later: 1, status })));
  expect(failures.map(({ state }) => state.failedAt)).toEqual(
    [null, null, null, 4, 4, 6].map((second) => second && NOW + second * 1000),
  );
});
