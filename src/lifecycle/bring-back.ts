import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import { ConstraintError } from '../storage/metadata/database.ts';
import type { TagCondition, TagTarget } from '../storage/metadata/tags.ts';
import type { Stores } from '../storage/stores.ts';

/** What one batch brings back at most: each row may have a body of a megabyte. */
const MAX_MANIFESTS = 500;
const MAX_BYTES = 64 * 2 ** 20;
const MAX_TAGS = 5000;

/** Others may push, delete and collect between the look and the batch. */
const ATTEMPTS = 4;

/** Where in a repository something is restored, and who does it. */
export interface Place {
  stores: Stores;
  repository: RepositoryName;
  actor: Actor;
}

/** What came back. */
export interface Restored {
  digest: Digest;
  manifests: readonly Digest[]; // that were deleted, the one that was asked for first
  tags: readonly Tag[];
}

/** What to bring back. */
export interface Wish {
  digest: Digest;
  withLastTags: boolean; // those that named it and name nothing now
  tag: Tag | null; // to point at it, while the conditions hold
  conditions: readonly TagCondition[];
}

/**
 * Brings a manifest back with the children that it names, what refers to it, and tags, in one batch.
 *
 * @throws MANIFEST_UNKNOWN when it is gone for good, RESTORE_REFUSED when it is too much;
 *   ConstraintError when others have been faster, or a child is gone for good
 */
export async function bringBack(place: Place, wish: Wish): Promise<Restored> {
  const { repository, actor } = place;
  const { metadata, memberships } = place.stores;
  const { digest, tag, conditions } = wish;
  const digests = await familyOf(place, digest);
  const lastTags = await lastTagsOf(place, [...new Set([digest, ...digests])], wish);
  try {
    await metadata.deletedManifests.restore(
      repository,
      { root: digest, digests, tag, lastTags, conditions },
      actor,
    );
  } finally {
    await memberships.forget('tags', repository, tag === null ? [] : [tag]);
  }
  const names = new Set([tag, ...lastTags.map(({ name }) => name)]);
  return { digest, manifests: digests, tags: [...names].filter((name) => name !== null) };
}

/** As {@link bringBack}, again while others are in the way: `next` says what to bring back then. */
export async function bringBackAmongOthers(
  place: Place,
  next: () => Promise<Wish | Restored>,
): Promise<Restored> {
  for (let left = ATTEMPTS; ; left--) {
    const wish = await next();
    if ('manifests' in wish) {
      return wish;
    }
    try {
      return await bringBack(place, wish);
    } catch (error) {
      if (!(error instanceof ConstraintError)) {
        throw error;
      }
      if (left === 1) {
        throw explain(error);
      }
    }
  }
}

function explain({ constraint }: ConstraintError): RegistryError {
  return constraint === 'foreign key'
    ? new RegistryError('RESTORE_REFUSED', 'manifests that this index names are gone for good')
    : new RegistryError('TAG_MOVED', 'others change the same tags or manifests: try again');
}

async function familyOf({ stores, repository }: Place, digest: Digest): Promise<Digest[]> {
  const { deletedManifests, manifests } = stores.metadata;
  const family = await deletedManifests.family(repository, digest, MAX_MANIFESTS + 1);
  if (family.length === 0 && (await manifests.stat(repository, { digest })) === null) {
    throw new RegistryError(
      'MANIFEST_UNKNOWN',
      `the manifest ${digest} is not here, and cannot be restored any more`,
    );
  }
  const bytes = family.reduce((sum, { size }) => sum + size, 0);
  if (family.length > MAX_MANIFESTS || bytes > MAX_BYTES) {
    throw new RegistryError(
      'RESTORE_REFUSED',
      `more than ${MAX_MANIFESTS} manifests or 64 MiB of them would come back at once: restore ` +
        'manifests that this one names first, or what refers to it later',
    );
  }
  return family.map((member) => member.digest);
}

/** Tags that name nothing now: of the root, if they are wished for, and of what follows it. */
async function lastTagsOf(
  { stores, repository }: Place,
  digests: readonly Digest[],
  { digest, withLastTags }: Wish,
): Promise<TagTarget[]> {
  const root = withLastTags ? digest : null;
  const { deletedManifests } = stores.metadata;
  const tags = await deletedManifests.lastTags(repository, digests, root, MAX_TAGS + 1);
  if (tags.length > MAX_TAGS) {
    throw new RegistryError(
      'RESTORE_REFUSED',
      `more than ${MAX_TAGS} tags would come back at once: restore it without its tags, and then ` +
        'those that you need',
    );
  }
  return tags;
}
