import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import type { DeletedTag, TagChange } from '../storage/metadata/tag-history.ts';
import { type Page, type PageRequest, readPage, toPage } from './page.ts';
import { principalsFor, type Visit } from './principals.ts';

const NEWEST = Number.MAX_SAFE_INTEGER;

/**
 * Changes of a tag, the newest first: those before the one with the id `after`, unless that is 0.
 *
 * @throws ACCOUNT_UNKNOWN when it has none
 */
export async function listTagHistory(
  visit: Visit,
  tag: Tag,
  after: number,
  limit: number,
): Promise<Page<TagChange>> {
  const { context, repository } = visit;
  const before = after === 0 ? NEWEST : after;
  const found = await context.metadata.tagHistory.list(repository, tag, before, limit + 1);
  if (found.length === 0 && after === 0) {
    throw new RegistryError('ACCOUNT_UNKNOWN', `nothing is known of a tag ${tag}`);
  }
  return toPage(found.map(await principalsFor(visit)), limit, ({ id }) => String(id));
}

/** What a tag named at a time (seconds since the epoch). @throws ACCOUNT_UNKNOWN */
export async function findTagAt(visit: Visit, tag: Tag, at = NEWEST): Promise<TagChange> {
  const { context, repository } = visit;
  const change = await context.metadata.tagHistory.lastChange(repository, tag, at);
  if (change === null || change.digest === null) {
    throw new RegistryError(
      'ACCOUNT_UNKNOWN',
      at === NEWEST
        ? `there is no tag ${tag}`
        : `there was no tag ${tag} then, as far as its history goes back`,
    );
  }
  const show = await principalsFor(visit);
  return show(change);
}

/** Deleted tags by name. */
export async function listDeletedTags(
  visit: Visit,
  request: PageRequest,
): Promise<Page<DeletedTag>> {
  const { context, repository } = visit;
  const page = await readPage(
    request,
    (after, limit) => context.metadata.tagHistory.listDeleted(repository, after, limit),
    ({ name }) => name,
  );
  return { ...page, entries: page.entries.map(await principalsFor(visit)) };
}
