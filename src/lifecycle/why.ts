import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { HeldManifest, Holders } from '../storage/metadata/holders.ts';
import type { Stores } from '../storage/stores.ts';
import { untaggedWindows } from './retention/untagged.ts';

/** Of each kind of reason, one more is read to know whether there are more. */
const MAX_REASONS = 20;

/** Something that keeps content, or the end of its time. */
export interface Reason {
  kind: 'blob' | 'manifest';
  repository: RepositoryName;
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
export type Sieve = (repositories: RepositoryName[]) => Promise<RepositoryName[]>;

/**
 * Says what keeps a blob or a manifest, in one namespace or (null) in all. (An upload that is under way
 * has no digest yet, and what lies in the trash has none any more.)
 */
export async function explainContent(
  stores: Stores,
  digest: Digest,
  namespace: string | null,
  sieve: Sieve,
): Promise<Explanation> {
  const holders = await stores.metadata.holders.find(digest, namespace, MAX_REASONS + 1);
  const ends = await endsOf(stores, holders);
  const all = [
    ...holders.manifests.map((manifest) => ofManifest(manifest, ends.get(manifest.repositoryId))),
    ...holders.namedBy.map(ofNamingManifest),
    ...unnamedLinks(holders).map((link) => ofLink(link, stores.lifetimes.review)),
    ...holders.restorable.map((deleted) => ofDeleted(deleted, digest)),
  ];
  const visible = new Set(await sieve([...new Set(all.map(({ repository }) => repository))]));
  const reasons = all.filter(({ repository }) => visible.has(repository));
  const size = visible.size === 0 ? null : holders.blobSize;
  const lists = [holders.manifests, holders.namedBy, holders.links, holders.restorable];
  return {
    digest,
    size,
    reasons: reasons.slice(0, MAX_REASONS),
    hasMore: reasons.length > MAX_REASONS || lists.some((list) => list.length > MAX_REASONS),
  };
}

/** When the manifests that nothing holds may go, by repository: what the collector would find. */
async function endsOf(stores: Stores, { queue }: Holders): Promise<Map<number, number | null>> {
  const preview = stores.metadata.collectionPreview;
  const states = await preview.reviewManifests(await untaggedWindows(stores, queue));
  const unheld = states.filter(({ isHeld }) => isHeld !== 1);
  return new Map(unheld.map(({ repositoryId, dueAt }) => [repositoryId, dueAt]));
}

function ofManifest(manifest: HeldManifest, end: number | null | undefined): Reason {
  const { repository, tags, parents, subject } = manifest;
  const [parent = null] = parents;
  const common = { kind: 'manifest' as const, repository };
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

function ofNamingManifest({ repository, digest, tags }: HeldManifest): Reason {
  const names = tags.length > 0 ? `, tagged ${tags.join(', ')}` : '';
  const because = `the manifest ${digest} names it${names}`;
  return { kind: 'blob', repository, because, by: { tags, manifest: digest }, until: null };
}

/** Links of repositories in which no manifest that was read names the blob. */
function unnamedLinks({ links, namedBy }: Holders): Holders['links'] {
  const named = new Set(namedBy.map(({ repository }) => repository));
  return namedBy.length > MAX_REASONS ? [] : links.filter((link) => !named.has(link.repository));
}

function ofLink({ repository, leaseUntil, releasedAt }: Holders['links'][number], review: number) {
  const until = Math.max(leaseUntil, (releasedAt ?? 0) + review);
  const because = 'uploaded, mounted, asked for by a pusher or let go of by a manifest lately';
  return { kind: 'blob' as const, repository, because, by: { tags: [], manifest: null }, until };
}

function ofDeleted(deleted: Holders['restorable'][number], digest: Digest): Reason {
  const isItself = deleted.digest === digest;
  return {
    kind: isItself ? 'manifest' : 'blob',
    repository: deleted.repository,
    because: isItself
      ? 'it was deleted and can be restored'
      : `the deleted manifest ${deleted.digest} names it and can be restored`,
    by: { tags: [], manifest: isItself ? null : deleted.digest },
    until: deleted.expiresAt,
  };
}
