import { labelOf, type Rule, type Rules, type TagRule } from './rules.ts';

/** Why a policy cannot be meant as it is; `rule` is the place of the rule, null for all of them. */
export interface RuleProblem {
  rule: number | null;
  problem: string;
}

/** What makes no sense in a policy, for people: rules that do nothing, or that say the same. */
export function problemsOf(rules: Rules): RuleProblem[] {
  const problems = rules.flatMap((rule, index) => {
    const problem = problemOf(rule, index, rules);
    return problem === null ? [] : [{ rule: index, problem }];
  });
  const actions = rules.map(({ action }) => action);
  return actions.includes('keep') && !actions.includes('delete')
    ? [{ rule: null, problem: KEEPS_ONLY }, ...problems]
    : problems;
}

const KEEPS_ONLY =
  'there are rules with "keep" and none with "delete", so nothing would be deleted: what no rule ' +
  'deletes stays. Add {"action": "delete"} to delete all tags that are not kept';

function problemOf(rule: Rule, index: number, rules: Rules): string | null {
  const earlier = rules.slice(0, index);
  const twin = earlier.findIndex(({ name }) => name !== undefined && name === rule.name);
  if (twin !== -1) {
    return `rule ${twin + 1} has the name "${rule.name}" too`;
  }
  if (rule.action === 'untagged') {
    const before = earlier.findIndex(
      (other) => other.action === 'untagged' && isAsWide(other.repositories, rule.repositories),
    );
    return before === -1
      ? null
      : `it never counts: ${labelOf(rules[before] ?? rule, before)} stands before it and matches the same repositories`;
  }
  if (rule.include.every((glob) => isCovered(glob, rule.exclude))) {
    return 'it matches no tag: all that it includes is excluded';
  }
  if (rule.action === 'delete') {
    const keeping = rules.findIndex((other) => keepsAllOf(other, rule));
    return keeping === -1
      ? null
      : `it never deletes anything: ${labelOf(rules[keeping] ?? rule, keeping)} keeps all that it matches`;
  }
  return null;
}

function keepsAllOf(keep: Rule, rule: TagRule): boolean {
  return (
    keep.action === 'keep' &&
    (keep.lastPushed ?? keep.pushedWithinDays ?? keep.pulledWithinDays) === undefined &&
    isAsWide(keep.repositories, rule.repositories) &&
    rule.include.every((glob) => isCovered(glob, keep.include)) &&
    keep.exclude.every((glob) => isCovered(glob, rule.exclude))
  );
}

function isAsWide(wide: string, narrow: string): boolean {
  return wide === '**' || wide === narrow;
}

function isCovered(glob: string, globs: readonly string[]): boolean {
  return globs.some((other) => other === '*' || other === glob);
}
