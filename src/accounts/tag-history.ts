import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { DeletedTag, TagChange } from '../storage/metadata/tag-history.ts';
import type { Context } from './context.ts';
import { type Page, type PageRequest, readPage, toPage } from './page.ts';

const NEWEST = Number.MAX_SAFE_INTEGER;

/**
 * Changes of a tag, the newest first: those before the one with the id `after`, unless that is 0.
 *
 * @throws ACCOUNT_UNKNOWN when it has none
 */
export async function listTagHistory(
  { metadata }: Context,
  repository: RepositoryName,
  tag: Tag,
  after: number,
  limit: number,
): Promise<Page<TagChange>> {
  const before = after === 0 ? NEWEST : after;
  const found = await metadata.tagHistory.list(repository, tag, before, limit + 1);
  if (found.length === 0 && after === 0) {
    throw new RegistryError('ACCOUNT_UNKNOWN', `nothing is known of a tag ${tag}`);
  }
  return toPage(found, limit, ({ id }) => String(id));
}

/** What a tag named at a time (seconds since the epoch). @throws ACCOUNT_UNKNOWN */
export async function findTagAt(
  { metadata }: Context,
  repository: RepositoryName,
  tag: Tag,
  at = NEWEST,
): Promise<TagChange> {
  const change = await metadata.tagHistory.lastChange(repository, tag, at);
  if (change === null || change.digest === null) {
    throw new RegistryError(
      'ACCOUNT_UNKNOWN',
      at === NEWEST
        ? `there is no tag ${tag}`
        : `there was no tag ${tag} then, as far as its history goes back`,
    );
  }
  return change;
}

/** Deleted tags by name. */
export function listDeletedTags(
  { metadata }: Context,
  repository: RepositoryName,
  request: PageRequest,
): Promise<Page<DeletedTag>> {
  return readPage(
    request,
    (after, limit) => metadata.tagHistory.listDeleted(repository, after, limit),
    ({ name }) => name,
  );
}
