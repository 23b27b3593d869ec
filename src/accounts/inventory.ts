import type { RepositoryName } from '../oci/repository-name.ts';
import type { ListedManifest, ListedTag } from '../storage/metadata/inventory.ts';
import type { Context } from './context.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

/** The tags of a repository, which the caller has entered, by name, with how often each was pulled. */
export function listTags(
  { metadata }: Context,
  repository: RepositoryName,
  request: PageRequest,
): Promise<Page<ListedTag>> {
  return readPage(
    request,
    (after, limit) => metadata.inventory.tags(repository, after, limit),
    (tag) => tag.name,
  );
}

/** The manifests of a repository by digest; see {@link listTags}. */
export function listManifests(
  { metadata }: Context,
  repository: RepositoryName,
  request: PageRequest,
): Promise<Page<ListedManifest>> {
  return readPage(
    request,
    (after, limit) => metadata.inventory.manifests(repository, after, limit),
    (manifest) => manifest.digest,
  );
}
