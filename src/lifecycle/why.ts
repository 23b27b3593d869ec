import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { HeldManifest, Holders, HoldingRepository } from '../storage/metadata/holders.ts';
import type { Stores } from '../storage/stores.ts';
import { untaggedWindows } from './retention/untagged.ts';

/** Of each kind of reason, one more is read to know whether there are more. */
const MAX_REASONS = 20;

/** Repositories that are looked at in one step for those that the one who asks may see. */
const PAGE = 500;

/** Steps at most: then there may be more. */
const MAX_PAGES = 100;

/** Something that keeps content, or the end of its time. */
export interface Reason {
  kind: 'blob' | 'manifest';
  repository: RepositoryName;
  restorableUntil: number | null; // seconds since the epoch, when the repository is deleted
  because: string; // in words
  /** What holds it: a tag, a digest; null where only time does. */
  by: { tags: string[]; manifest: Digest | null };
  until: number | null; // seconds since the epoch; null while something holds it
}

/** Why content is stored. Without reasons it is not, or not to be seen by the one who asks. */
export interface Explanation {
  digest: Digest;
  size: number | null; // bytes, of a blob
  reasons: Reason[];
  hasMore: boolean;
}

/** The repositories that the one who asks may see, of those given. */
export type Sieve = (repositories: readonly HoldingRepository[]) => Promise<HoldingRepository[]>;

/** A reason before it is known where it is. */
type Finding = Omit<Reason, 'repository' | 'restorableUntil'> & { repositoryId: number };

/**
 * Says what keeps a blob or a manifest, in one namespace or (null) in all. (An upload that is under way
 * has no digest yet, and what lies in the trash has none any more.)
 *
 * @param sieve null for one who may see all repositories
 */
export async function explainContent(
  stores: Stores,
  digest: Digest,
  namespace: string | null,
  sieve: Sieve | null,
): Promise<Explanation> {
  const { repositories, isCut } = await visibleHolders(stores, digest, namespace, sieve);
  const ids = [...repositories.keys()];
  const holders = await stores.metadata.holders.find(digest, ids, MAX_REASONS + 1);
  const ends = await endsOf(stores, holders);
  const findings = [
    ...holders.manifests.map((manifest) => ofManifest(manifest, ends.get(manifest.repositoryId))),
    ...holders.namedBy.map(ofNamingManifest),
    ...unnamedLinks(holders).map((link) => ofLink(link, stores.lifetimes.review)),
    ...holders.restorable.map((deleted) => ofDeleted(deleted, digest)),
  ];
  const lists = [holders.manifests, holders.namedBy, holders.links, holders.restorable];
  return {
    digest,
    size: holders.blobSize,
    reasons: findings.slice(0, MAX_REASONS).flatMap((finding) => toReason(finding, repositories)),
    hasMore:
      isCut || findings.length > MAX_REASONS || lists.some((list) => list.length > MAX_REASONS),
  };
}

/** Repositories that have to do with a digest, as many as it takes for the reasons. */
async function visibleHolders(
  stores: Stores,
  digest: Digest,
  namespace: string | null,
  sieve: Sieve | null,
): Promise<{ repositories: Map<number, HoldingRepository>; isCut: boolean }> {
  const repositories = new Map<number, HoldingRepository>();
  const size = sieve === null ? MAX_REASONS + 1 : PAGE;
  let after = 0;
  for (let page = 0; page < MAX_PAGES && repositories.size <= MAX_REASONS; page++) {
    const found = await stores.metadata.holders.repositories(digest, namespace, after, size);
    for (const repository of sieve === null ? found : await sieve(found)) {
      repositories.set(repository.id, repository);
    }
    if (found.length < size) {
      return { repositories, isCut: false };
    }
    after = found.at(-1)?.id ?? after;
  }
  return { repositories, isCut: true };
}

/** What is in a deleted repository stays until that goes. */
function toReason(
  { repositoryId, ...finding }: Finding,
  repositories: ReadonlyMap<number, HoldingRepository>,
): Reason[] {
  const repository = repositories.get(repositoryId);
  if (repository === undefined) {
    return [];
  }
  const { name, restorableUntil } = repository;
  const until = restorableUntil ?? finding.until;
  return [{ ...finding, repository: name, restorableUntil, until }];
}

/** When the manifests that nothing holds may go, by repository: what the collector would find. */
async function endsOf(stores: Stores, { queue }: Holders): Promise<Map<number, number | null>> {
  const preview = stores.metadata.collectionPreview;
  const states = await preview.reviewManifests(await untaggedWindows(stores, queue));
  const unheld = states.filter(({ isHeld }) => isHeld !== 1);
  return new Map(unheld.map(({ repositoryId, dueAt }) => [repositoryId, dueAt]));
}

function ofManifest(manifest: HeldManifest, end: number | null | undefined): Finding {
  const { repositoryId, tags, parents, subject } = manifest;
  const [parent = null] = parents;
  const common = { kind: 'manifest' as const, repositoryId };
  if (end !== undefined) {
    const because = end === null ? 'untagged manifests stay here' : 'nothing holds it any more';
    return { ...common, because, by: { tags, manifest: subject }, until: end };
  }
  const because =
    tags.length > 0
      ? `tagged ${tags.join(', ')}`
      : parent !== null
        ? `an index names it: ${parents.join(', ')}`
        : subject !== null
          ? `it refers to ${subject}`
          : 'it was pushed just now';
  return { ...common, because, by: { tags, manifest: parent ?? subject }, until: null };
}

function ofNamingManifest({ repositoryId, digest, tags }: HeldManifest): Finding {
  const names = tags.length > 0 ? `, tagged ${tags.join(', ')}` : '';
  const because = `the manifest ${digest} names it${names}`;
  return { kind: 'blob', repositoryId, because, by: { tags, manifest: digest }, until: null };
}

/** Links of repositories in which no manifest that was read names the blob. */
function unnamedLinks({ links, namedBy }: Holders): Holders['links'] {
  const named = new Set(namedBy.map(({ repositoryId }) => repositoryId));
  return namedBy.length > MAX_REASONS ? [] : links.filter((link) => !named.has(link.repositoryId));
}

function ofLink(
  { repositoryId, leaseUntil, releasedAt }: Holders['links'][number],
  review: number,
): Finding {
  const until = Math.max(leaseUntil, (releasedAt ?? 0) + review);
  const because = 'uploaded, mounted, asked for by a pusher or let go of by a manifest lately';
  return { kind: 'blob', repositoryId, because, by: { tags: [], manifest: null }, until };
}

function ofDeleted(deleted: Holders['restorable'][number], digest: Digest): Finding {
  const isItself = deleted.digest === digest;
  return {
    kind: isItself ? 'manifest' : 'blob',
    repositoryId: deleted.repositoryId,
    because: isItself
      ? 'it was deleted and can be restored'
      : `the deleted manifest ${deleted.digest} names it and can be restored`,
    by: { tags: [], manifest: isItself ? null : deleted.digest },
    until: deleted.expiresAt,
  };
}
