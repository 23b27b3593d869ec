import type {
  RepositoryRow,
  RetentionTagMetadata,
  TagRecord,
} from '../../storage/metadata/retention-tags.ts';
import { type DecidedTag, evaluate } from './evaluate.ts';
import { appliesTo, type Rules } from './rules.ts';

/** Tags of one query. */
const PAGE = 2000;

/** Repositories of one query. */
const REPOSITORY_PAGE = 500;

/** The tags of one repository are decided about together, in memory: 25 MB at most. */
const MAX_TAGS = 100_000;

/** What a run or a preview has left. */
export interface Budget {
  queries: number; // the last repository may go below
}

/** The repositories of a namespace from `first` on, and the one behind them; null at the end. */
export async function listRepositories(
  retentionTags: RetentionTagMetadata,
  namespace: string,
  first: string,
  budget: Budget,
): Promise<{ repositories: RepositoryRow[]; next: string | null }> {
  budget.queries -= 1;
  const found = await retentionTags.repositories(namespace, first, REPOSITORY_PAGE + 1);
  return {
    repositories: found.slice(0, REPOSITORY_PAGE),
    next: found[REPOSITORY_PAGE]?.name ?? null,
  };
}

/**
 * Reads the tags of a repository and decides about each.
 *
 * @returns by name; empty where no rule is about tags; null when there are more than 100,000
 */
export async function decideRepository(
  retentionTags: RetentionTagMetadata,
  rules: Rules,
  repository: RepositoryRow,
  budget: Budget,
): Promise<DecidedTag[] | null> {
  const own = rules.map((rule) => (appliesTo(rule, repository.name) ? rule : null));
  if (!own.some((rule) => rule !== null && rule.action === 'delete')) {
    return [];
  }
  const found: TagRecord[] = [];
  for (let after = ''; found.length <= MAX_TAGS; ) {
    const { tags, now } = await retentionTags.tags(repository.id, after, PAGE);
    budget.queries -= 1;
    found.push(...tags);
    if (tags.length < PAGE) {
      return evaluate(own, found, now);
    }
    after = tags.at(-1)?.name ?? after;
  }
  return null;
}
