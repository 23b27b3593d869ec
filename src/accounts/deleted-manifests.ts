import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { DeletedManifest } from '../storage/metadata/deleted-manifests.ts';
import type { Context } from './context.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

/** Manifests that one call purges. */
const PURGE_BATCH = 1000;

/** Deleted manifests by digest. */
export function listDeletedManifests(
  { metadata }: Context,
  repository: RepositoryName,
  request: PageRequest,
): Promise<Page<DeletedManifest>> {
  return readPage(
    request,
    (after, limit) => metadata.deletedManifests.list(repository, after, limit),
    ({ digest }) => digest,
  );
}

/** Lets the collector have a deleted manifest now. @throws MANIFEST_UNKNOWN */
export async function purgeManifest(
  { metadata, actor }: Context,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  if ((await metadata.deletedManifests.purge(repository, digest, 1, actor)) === 0) {
    throw new RegistryError('MANIFEST_UNKNOWN', 'there is no such deleted manifest');
  }
}

/** Lets the collector have deleted manifests now: all, by calls until there are no more. */
export async function purgeManifests(
  { metadata, actor }: Context,
  repository: RepositoryName,
): Promise<{ purged: number; hasMore: boolean }> {
  const purged = await metadata.deletedManifests.purge(repository, null, PURGE_BATCH, actor);
  return { purged, hasMore: purged === PURGE_BATCH };
}
