import { globMatches } from '../../auth/globs.ts';
import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';

/** Which tags a rule is about: those that match one of `include` and none of `exclude`. */
interface TagSelection {
  name?: string | undefined; // for people
  repositories: string; // glob over the name behind the namespace
  include: readonly string[];
  exclude: readonly string[];
}

/** Keeps tags that meet any of the conditions, all of them when there is no condition. */
export interface KeepRule extends TagSelection {
  action: 'keep';
  lastPushed?: number | undefined; // so many of the repository's tags that match
  pushedWithinDays?: number | undefined;
  pulledWithinDays?: number | undefined;
}

/** Deletes tags that meet all of the conditions and that no rule keeps. */
export interface DeleteRule extends TagSelection {
  action: 'delete';
  pushedBeforeDays?: number | undefined;
  notPulledForDays?: number | undefined;
}

/** How long manifests that nothing holds stay. The first rule that matches counts. */
export interface UntaggedRule {
  action: 'untagged';
  name?: string | undefined;
  repositories: string;
  olderThanDays: number | null; // null: for ever
}

export type TagRule = KeepRule | DeleteRule;

export type Rule = TagRule | UntaggedRule;

/** The rules of a policy, in order. */
export type Rules = readonly Rule[];

/** Reads rules as they are stored: what came through the schema of the API. */
export function parseRules(json: string): Rules {
  return JSON.parse(json) as Rules;
}

/** What a rule is called: by its name, else by its place. */
export function labelOf(rule: Rule, index: number): string {
  return rule.name ?? `rule ${index + 1}`;
}

/** The name of a repository behind its namespace: what the globs of rules are about. */
export function nameInNamespace(repository: RepositoryName): string {
  return repository.slice(namespaceOf(repository).length + 1);
}

export function appliesTo(rule: Rule, repository: RepositoryName): boolean {
  return globMatches(rule.repositories, nameInNamespace(repository));
}
