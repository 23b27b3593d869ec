import { formatCount } from '../amount.ts';
import type { Columns } from '../output.ts';
import type { Rule } from './rules.ts';

/** A tag and what would become of it. */
export interface PreviewedTag {
  repository: string;
  tag: string;
  digest: string;
  pushedAt: string;
  pulledAt: string | null;
  decision: string;
  rule: string | null;
}

/** What the registry may decide, and how a line of counts says it. */
export const DECISIONS: Readonly<Record<string, string>> = {
  delete: 'would be deleted',
  keep: 'kept by rules',
  immutable: 'kept because they are immutable',
  untouched: 'named by no rule',
};

export const PREVIEW_COLUMNS: Columns<PreviewedTag> = {
  repository: ({ repository }) => repository,
  tag: ({ tag }) => tag,
  digest: ({ digest }) => digest,
  pushed: ({ pushedAt }) => pushedAt,
  'pulled, also by digest': ({ pulledAt }) => pulledAt,
  decision: ({ decision }) => decision,
  by: ({ rule }) => rule,
};

/** The columns of a list of rules. */
export const RULE_COLUMNS: Columns<Rule & { place: number }> = {
  rule: ({ name, place }) => name ?? `rule ${place}`,
  action: ({ action }) => action,
  repositories: ({ repositories }) => repositories,
  tags: ({ include }) => include?.join(' '),
  'but not': ({ exclude }) => exclude?.join(' '),
  when: conditionsOf,
};

/** "3 tags: 1 would be deleted, 2 kept by rules". */
export function countLine(tags: readonly PreviewedTag[]): string {
  const counts = Object.entries(DECISIONS).flatMap(([decision, words]) => {
    const count = tags.filter((tag) => tag.decision === decision).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  const total = formatCount(tags.length, 'tag');
  return counts.length === 0 ? total : `${total}: ${counts.join(', ')}`;
}

function conditionsOf(rule: Rule): string {
  const conditions = [
    [rule.lastPushed, 'the last pushed'],
    [rule.pushedWithinDays, 'days since the push, at most'],
    [rule.pulledWithinDays, 'days since a pull, at most'],
    [rule.pushedBeforeDays, 'days since the push, at least'],
    [rule.notPulledForDays, 'days without a pull'],
    [rule.olderThanDays, 'days untagged'],
  ].flatMap(([number, words]) => (typeof number === 'number' ? [`${number} ${words}`] : []));
  const otherwise = rule.action === 'untagged' ? 'never' : 'always';
  return conditions.join(rule.action === 'keep' ? ' or ' : ' and ') || otherwise;
}
