import type { QueueEntry, ReviewedManifest } from '../../storage/metadata/collection.ts';
import type { Stores } from '../../storage/stores.ts';
import { appliesTo, parseRules, type Rules, type UntaggedRule } from './rules.ts';

const DAY = 24 * 60 * 60; // seconds

/**
 * Adds to each manifest how long one that nothing holds stays in its repository: as the first rule of
 * the namespace that matches says, else as everywhere.
 */
export async function untaggedWindows(
  { metadata, lifetimes }: Stores,
  entries: readonly QueueEntry[],
): Promise<ReviewedManifest[]> {
  const policies = await metadata.retention.ofNamespaces(entries.map(({ namespace }) => namespace));
  const rules = new Map<string, Rules>();
  for (const [namespace, policy] of policies) {
    rules.set(namespace, parseRules(policy.rules));
  }
  return entries.map((entry) => {
    const rule = rules
      .get(entry.namespace)
      ?.find((rule): rule is UntaggedRule => isUntaggedRule(rule, entry));
    return { ...entry, untagged: rule === undefined ? lifetimes.untagged : toSeconds(rule) };
  });
}

function isUntaggedRule(rule: Rules[number], { repository }: QueueEntry): boolean {
  return rule.action === 'untagged' && appliesTo(rule, repository);
}

function toSeconds({ olderThanDays }: UntaggedRule): number | null {
  return olderThanDays === null ? null : olderThanDays * DAY;
}
