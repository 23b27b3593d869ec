import { globMatches } from '../auth/globs.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';

/**
 * What the upstream calls a repository of its mirror: the name without the namespace.
 *
 * @throws NAME_UNKNOWN when its rules do not let it be fetched
 */
export function remoteRepository(upstream: UpstreamRecord, repository: RepositoryName): string {
  const name = repository.slice(namespaceOf(repository).length + 1);
  if (!isFetched(upstream, name)) {
    throw new RegistryError(
      'NAME_UNKNOWN',
      `the mirror of ${upstream.namespace} does not fetch "${name}": its list of repositories has others`,
    );
  }
  return name;
}

/** Whether the rules of an upstream let a repository be fetched, by the name that it has there. */
export function isFetched({ repositories }: UpstreamRecord, name: string): boolean {
  return name !== '' && repositories.some((glob) => globMatches(glob, name));
}
