import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import type { ListedManifest, ListedTag } from '../storage/metadata/inventory.ts';
import type { Context } from './context.ts';
import { enterRepository } from './enter-repository.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

/**
 * The tags of a repository by name, with how often each was pulled.
 *
 * @throws ACCOUNT_UNKNOWN for a repository that the caller may not pull, DENIED from where they are
 */
export async function listTags(
  { metadata }: Context,
  identity: Identity,
  origin: Origin,
  name: string,
  request: PageRequest,
): Promise<Page<ListedTag>> {
  const repository = await enterRepository(metadata, identity, origin, name, 'pull');
  return readPage(
    request,
    (after, limit) => metadata.inventory.tags(repository, after, limit),
    (tag) => tag.name,
  );
}

/** The manifests of a repository by digest; see {@link listTags}. */
export async function listManifests(
  { metadata }: Context,
  identity: Identity,
  origin: Origin,
  name: string,
  request: PageRequest,
): Promise<Page<ListedManifest>> {
  const repository = await enterRepository(metadata, identity, origin, name, 'pull');
  return readPage(
    request,
    (after, limit) => metadata.inventory.manifests(repository, after, limit),
    (manifest) => manifest.digest,
  );
}
