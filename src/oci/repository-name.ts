import { RegistryError } from './errors.ts';

/** A `<name>` as checked by {@link parseRepositoryName}. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' };

/** distribution-spec v1.1.1 "Pulling manifests"; unambiguous, so it cannot backtrack badly. */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Many clients refuse more than 255 characters for host and name together. */
const MAX_LENGTH = 255;

/**
 * Reads a repository name.
 *
 * @throws NAME_INVALID when the grammar does not allow it or it has more than 255 characters
 */
export function parseRepositoryName(text: string): RepositoryName {
  if (!isRepositoryName(text)) {
    throw new RegistryError(
      'NAME_INVALID',
      'a repository name is lower-case components of a-z, 0-9 and single . _ __ or - between ' +
        'them, separated by /, with at most 255 characters in all',
    );
  }
  return text;
}

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= MAX_LENGTH && text.split('/').every((part) => COMPONENT.test(part));
}

/** The first component: the unit that members, quotas and network rules belong to. */
export function namespaceOf(name: RepositoryName): string {
  return name.split('/', 1)[0] ?? name;
}
