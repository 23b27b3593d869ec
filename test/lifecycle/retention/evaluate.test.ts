/** What retention decides about tags: a pure function, and what has to hold of it for all rules. */
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { globMatches } from '../../../src/auth/globs.ts';
import { type DecidedTag, evaluate } from '../../../src/lifecycle/retention/evaluate.ts';
import type { DeleteRule, KeepRule, TagRule } from '../../../src/lifecycle/retention/rules.ts';
import { compileTagGlob } from '../../../src/lifecycle/retention/tag-glob.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import type { Tag } from '../../../src/oci/reference.ts';
import type { TagRecord } from '../../../src/storage/metadata/retention-tags.ts';
import { DAY } from '../../support/wait.ts';

fc.configureGlobal({ seed: inject('seed') });

const NOW = 1_800_000_000;
const DIGEST = `sha256:${'a'.repeat(64)}` as Digest;

const all = { repositories: '**', include: ['*'], exclude: [] };
const keep = (rule: Partial<KeepRule> = {}): KeepRule => ({ action: 'keep', ...all, ...rule });
const remove = (rule: Partial<DeleteRule> = {}): DeleteRule => ({
  action: 'delete',
  ...all,
  ...rule,
});

/** A tag that was pushed and pulled so many days ago. */
function tag(name: string, pushed: number, pulled: number | null = null): TagRecord {
  const at = (days: number) => NOW - days * DAY;
  const pulledAt = pulled === null ? null : at(pulled);
  return { name: name as Tag, digest: DIGEST, pushedAt: at(pushed), pulledAt, isImmutable: false };
}

const withVerdict = (decided: readonly DecidedTag[], verdict: string) =>
  decided.filter((tag) => tag.verdict === verdict).map(({ name }) => name);

const deleted = (rules: readonly TagRule[], tags: readonly TagRecord[]) =>
  withVerdict(evaluate(rules, tags, NOW), 'delete');

describe('examples', () => {
  test('the last two and what was pulled within 90 days stay', () => {
    const tags = [tag('v1', 400), tag('v2', 300, 10), tag('v3', 200), tag('v4', 100)];
    const rules = [keep({ lastPushed: 2 }), keep({ pulledWithinDays: 90 }), remove()];
    expect(deleted(rules, tags)).toEqual(['v1']);
  });

  test('so many of those that match, not of all', () => {
    const tags = [tag('dev-1', 9), tag('dev-2', 8), tag('v1', 1), tag('v2', 2)];
    expect(deleted([keep({ include: ['dev-*'], lastPushed: 1 }), remove()], tags)).toEqual([
      'dev-1',
      'v1',
      'v2',
    ]);
  });

  test('what no rule deletes stays, whatever it is excluded from', () => {
    const tags = [tag('latest', 900), tag('v1', 900)];
    const decided = evaluate([remove({ exclude: ['latest'] })], tags, NOW);
    expect(decided).toMatchObject([
      { verdict: 'untouched', rule: null },
      { verdict: 'delete', rule: 'rule 1' },
    ]);
  });

  test('days end exactly: kept within them, deleted from then on', () => {
    const tags = [tag('old', 10), tag('young', 10 - 1 / DAY)];
    expect(deleted([remove({ pushedBeforeDays: 10 })], tags)).toEqual(['old']);
    expect(deleted([keep({ pushedWithinDays: 10 }), remove()], tags)).toEqual(['old']);
  });

  test('what was never pulled since its push counts from that', () => {
    const tags = [tag('never', 30), tag('before', 30, 100), tag('since', 30, 1)];
    expect(deleted([remove({ notPulledForDays: 31 })], tags)).toEqual([]);
    expect(deleted([remove({ notPulledForDays: 30 })], tags)).toEqual(['never', 'before']);
  });

  test('of tags pushed in one second the greater name is newer', () => {
    const tags = [tag('v2', 1), tag('v3', 1), tag('v1', 1)];
    expect(deleted([keep({ lastPushed: 1 }), remove()], tags)).toEqual(['v2', 'v1']);
  });

  test('the first rule that decides is named', () => {
    const rules = [remove({ name: 'old', pushedBeforeDays: 5 }), remove()];
    const decided = evaluate(rules, [tag('v1', 9), tag('v2', 1)], NOW);
    expect(decided.map(({ rule }) => rule)).toEqual(['old', 'rule 2']);
  });

  test('tags that follow a subject are left out and not counted; those that look like it are not', () => {
    const hex = 'a'.repeat(64);
    const followers = [tag(`sha256-${hex}.sig`, 1), tag(`sha256-${hex}`, 1)];
    const others = [tag(`sha256-${hex}sig`, 5), tag('sha256-beef', 9), tag('v1', 3)];
    const decided = evaluate([keep({ lastPushed: 1 }), remove()], [...followers, ...others], NOW);
    expect(withVerdict(decided, 'keep')).toEqual(['v1']);
    expect(decided).toHaveLength(3);
  });

  test('rules of other repositories are passed over, and the others keep their places', () => {
    expect(evaluate([null, remove()], [tag('v1', 1)], NOW)).toMatchObject([{ rule: 'rule 2' }]);
  });
});

const days = fc.integer({ min: 1, max: 40 });
const glob = fc.constantFrom('*', 'v*', 'dev-*', 'latest', '*1', 'x*');
const selection = {
  repositories: fc.constant('**'),
  include: fc.array(glob, { minLength: 1, maxLength: 3 }),
  exclude: fc.array(glob, { maxLength: 2 }),
};
const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const keepRule: fc.Arbitrary<KeepRule> = fc.record({
  action: fc.constant('keep' as const),
  ...selection,
  lastPushed: option(fc.integer({ min: 1, max: 6 })),
  pushedWithinDays: option(days),
  pulledWithinDays: option(days),
});
const deleteRule: fc.Arbitrary<DeleteRule> = fc.record({
  action: fc.constant('delete' as const),
  ...selection,
  pushedBeforeDays: option(days),
  notPulledForDays: option(days),
});
const rules = fc.array(fc.oneof(keepRule, deleteRule), { maxLength: 6 });
const tags = fc
  .uniqueArray(fc.constantFrom('latest', 'v1', 'v2', 'v3', 'dev-1', 'dev-2', 'x', 'x1', 'y'))
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(
            fc.integer({ min: 0, max: 40 }),
            option(fc.integer({ min: 0, max: 40 })),
            fc.boolean(),
          )
          .map(([pushed, pulled, isImmutable]) => ({
            ...tag(name, pushed, pulled ?? null),
            isImmutable,
          })),
      ),
    ),
  );

test('globs of tags match as the others do', () => {
  const text = (units: string, maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...units), maxLength });
  fc.assert(
    fc.property(text('ab**', 6), text('ab', 8), (glob, tag) => {
      expect(compileTagGlob(glob)(tag)).toBe(globMatches(glob, tag));
    }),
    { numRuns: 5000 },
  );
});

describe('of all rules and tags', () => {
  const holds = (check: (rules: TagRule[], tags: TagRecord[]) => void) =>
    fc.assert(fc.property(rules, tags, check), { numRuns: 1000 });

  test('each tag is decided about once, and keeps beat deletes', () => {
    holds((rules, tags) => {
      const decided = evaluate(rules, tags, NOW);
      expect(decided.map(({ name }) => name)).toEqual(tags.map(({ name }) => name));
      const keepers = rules.filter(({ action }) => action === 'keep');
      const kept = withVerdict(evaluate(keepers, tags, NOW), 'keep');
      expect(withVerdict(decided, 'keep')).toEqual(kept);
    });
  });

  test('the order of rules and of tags changes no verdict', () => {
    fc.assert(
      fc.property(
        rules.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        tags,
        ([rules, shuffled], tags) => {
          const verdicts = (rules: TagRule[], tags: TagRecord[]) =>
            Object.fromEntries(
              evaluate(rules, tags, NOW).map(({ name, verdict }) => [name, verdict]),
            );
          expect(verdicts(shuffled, tags.toReversed())).toEqual(verdicts(rules, tags));
        },
      ),
    );
  });

  test('immutable tags and those that no rule deletes stay', () => {
    holds((rules, tags) => {
      const gone = deleted(rules, tags);
      expect(tags.filter((tag) => tag.isImmutable && gone.includes(tag.name))).toEqual([]);
      expect(
        deleted(
          rules.filter(({ action }) => action === 'keep'),
          tags,
        ),
      ).toEqual([]);
      const unmatched = rules.map((rule) => ({ ...rule, exclude: [...rule.exclude, 'v*'] }));
      expect(deleted(unmatched, tags).filter((name) => name.startsWith('v'))).toEqual([]);
    });
  });

  test('another rule to keep deletes no more, another one to delete no less', () => {
    holds((rules, tags) => {
      const gone = deleted(rules, tags);
      for (const [rule] of fc.sample(fc.tuple(keepRule), { numRuns: 3, seed: inject('seed') })) {
        expect(gone).toEqual(expect.arrayContaining(deleted([...rules, rule], tags)));
      }
      for (const [rule] of fc.sample(fc.tuple(deleteRule), { numRuns: 3, seed: inject('seed') })) {
        expect(deleted([...rules, rule], tags)).toEqual(expect.arrayContaining(gone));
      }
    });
  });

  test('greater numbers delete no more', () => {
    const plus = (value: number | undefined) => (value === undefined ? undefined : value + 1);
    holds((rules, tags) => {
      const wider = rules.map((rule) =>
        rule.action === 'keep'
          ? {
              ...rule,
              lastPushed: plus(rule.lastPushed),
              pushedWithinDays: plus(rule.pushedWithinDays),
              pulledWithinDays: plus(rule.pulledWithinDays),
            }
          : {
              ...rule,
              pushedBeforeDays: plus(rule.pushedBeforeDays),
              notPulledForDays: plus(rule.notPulledForDays),
            },
      );
      expect(deleted(rules, tags)).toEqual(expect.arrayContaining(deleted(wider, tags)));
    });
  });

  test('once is enough: what a run leaves, the next one at the same time leaves too', () => {
    holds((rules, tags) => {
      const gone = deleted(rules, tags);
      expect(
        deleted(
          rules,
          tags.filter(({ name }) => !gone.includes(name)),
        ),
      ).toEqual([]);
    });
  });
});
