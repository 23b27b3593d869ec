import { followsSubject } from '../../oci/subject-tag.ts';
import type { TagRecord } from '../../storage/metadata/retention-tags.ts';
import { type DeleteRule, type KeepRule, labelOf, type Rules, type TagRule } from './rules.ts';
import { compileTagGlob } from './tag-glob.ts';

const DAY = 24 * 60 * 60; // seconds

/**
 * What becomes of a tag, and by which rule: 'untouched' is what no rule is about, 'immutable' what
 * would be deleted if it were not.
 */
export type Decision =
  | { verdict: 'keep' | 'delete' | 'immutable'; rule: string }
  | { verdict: 'untouched'; rule: null };

/** A tag and what becomes of it. */
export type DecidedTag = TagRecord & Decision;

/** A rule with the tags that it is about, and what it says of each. */
interface Judge {
  label: string;
  takes: (tag: TagRecord) => boolean;
}

/**
 * Decides about all tags of a repository, by the rules that apply to it. A tag that some rule keeps is
 * kept, whatever others say; one that none deletes stays. Tags that follow a subject are left out:
 * they go with it.
 *
 * @param rules all rules of the policy, with those that do not apply to the repository as null
 * @param now seconds since the epoch, by the clock that the times of the tags are from
 */
export function evaluate(
  rules: readonly (Rules[number] | null)[],
  tags: readonly TagRecord[],
  now: number,
): DecidedTag[] {
  const own = tags.filter((tag) => !followsSubject(tag.name));
  const keepers: Judge[] = [];
  const deleters: Judge[] = [];
  for (const [index, rule] of rules.entries()) {
    if (rule?.action === 'keep') {
      keepers.push({ label: labelOf(rule, index), takes: keeper(rule, own, now) });
    } else if (rule?.action === 'delete') {
      deleters.push({ label: labelOf(rule, index), takes: deleter(rule, now) });
    }
  }
  return own.map((tag) => ({ ...tag, ...decide(tag, keepers, deleters) }));
}

function decide(tag: TagRecord, keepers: readonly Judge[], deleters: readonly Judge[]): Decision {
  const keeping = keepers.find(({ takes }) => takes(tag));
  if (keeping !== undefined) {
    return { verdict: 'keep', rule: keeping.label };
  }
  const deleting = deleters.find(({ takes }) => takes(tag));
  return deleting === undefined
    ? { verdict: 'untouched', rule: null }
    : { verdict: tag.isImmutable ? 'immutable' : 'delete', rule: deleting.label };
}

function keeper(rule: KeepRule, tags: readonly TagRecord[], now: number): Judge['takes'] {
  const matches = matcher(rule);
  const { lastPushed, pushedWithinDays, pulledWithinDays } = rule;
  const isOpen = [lastPushed, pushedWithinDays, pulledWithinDays].every((n) => n === undefined);
  const newest = lastPushed === undefined ? new Set() : newestOf(tags.filter(matches), lastPushed);
  return (tag) =>
    matches(tag) &&
    (isOpen ||
      newest.has(tag.name) ||
      isWithin(now - tag.pushedAt, pushedWithinDays) ||
      isWithin(now - usedAt(tag), pulledWithinDays));
}

function deleter(rule: DeleteRule, now: number): Judge['takes'] {
  const matches = matcher(rule);
  const { pushedBeforeDays, notPulledForDays } = rule;
  return (tag) =>
    matches(tag) &&
    !(pushedBeforeDays !== undefined && isWithin(now - tag.pushedAt, pushedBeforeDays)) &&
    !(notPulledForDays !== undefined && isWithin(now - usedAt(tag), notPulledForDays));
}

function isWithin(age: number, days: number | undefined): boolean {
  return days !== undefined && age < days * DAY;
}

/** When a tag was last pulled; what was not pulled since it was pushed counts from then. */
function usedAt({ pushedAt, pulledAt }: TagRecord): number {
  return Math.max(pushedAt, pulledAt ?? 0);
}

/** Of tags pushed in the same second, the one with the greater name counts as newer. */
function newestOf(tags: readonly TagRecord[], count: number): Set<string> {
  const order = (a: TagRecord, b: TagRecord) =>
    b.pushedAt - a.pushedAt || (a.name < b.name ? 1 : -1);
  return new Set(
    tags
      .toSorted(order)
      .slice(0, count)
      .map(({ name }) => name),
  );
}

function matcher({ include, exclude }: TagRule): Judge['takes'] {
  const included = include.map(compileTagGlob);
  const excluded = exclude.map(compileTagGlob);
  return ({ name }) =>
    included.some((matches) => matches(name)) && !excluded.some((matches) => matches(name));
}
