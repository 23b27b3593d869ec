import type { RepositoryName } from '../../oci/repository-name.ts';
import type { RetentionTagMetadata } from '../../storage/metadata/retention-tags.ts';
import type { DecidedTag } from './evaluate.ts';
import { decideRepository, listRepositories } from './repository.ts';
import type { Rules } from './rules.ts';

/** Queries of one page. */
const MAX_QUERIES = 100;

/** A tag of some repository, and what would become of it. */
export type PreviewedTag = DecidedTag & { repository: RepositoryName };

/** A part of a preview. There may be more behind `next`, though this part is short or empty. */
export interface PreviewPage {
  entries: PreviewedTag[];
  skipped: RepositoryName[]; // with too many tags to decide about
  next: string | null; // "<repository>" to go on with, or "<repository> <tag>" to go on behind
}

/**
 * What rules would do to a namespace now: at most `limit` tags from the key `after` on, by repository
 * and name.
 */
export async function preview(
  retentionTags: RetentionTagMetadata,
  namespace: string,
  rules: Rules,
  { after, limit }: { after: string; limit: number },
): Promise<PreviewPage> {
  const page: PreviewPage = { entries: [], skipped: [], next: null };
  const budget = { queries: MAX_QUERIES };
  const [first = '', told = ''] = after.split(' ');
  const { repositories, next } = await listRepositories(retentionTags, namespace, first, budget);
  for (const repository of repositories) {
    const { name } = repository;
    const room = limit - page.entries.length;
    if (room === 0 || budget.queries <= 0) {
      return { ...page, next: name };
    }
    const decided = await decideRepository(retentionTags, rules, repository, budget);
    if (decided === null) {
      page.skipped.push(name);
      continue;
    }
    const entries = name === first ? decided.filter((tag) => tag.name > told) : decided;
    page.entries.push(...entries.slice(0, room).map((tag) => ({ ...tag, repository: name })));
    if (entries.length > room) {
      return { ...page, next: `${name} ${page.entries.at(-1)?.name}` };
    }
  }
  return { ...page, next };
}
