import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import { ACTIONS, type Action } from './roles.ts';

/** What a client asks a token for, as far as the registry knows such things. */
export interface RequestedAccess {
  repositories: ReadonlyMap<RepositoryName, readonly Action[]>;
  catalog: boolean;
}

/** Clients ask for a handful; a mount adds one. */
const MAX_SCOPES = 20;
const FORM = /^([a-z]+)(?:\([a-z]+\))?:(.+):([a-z*,]+)$/;

/**
 * Reads scopes, `repository:<name>:<action>,…` and `registry:catalog:*`, from any number of
 * parameters that each hold any number of them between spaces. What the registry does not know is
 * left out, as a token may grant less than was asked.
 *
 * Source: https://distribution.github.io/distribution/spec/auth/scope/
 */
export function parseScopes(parameters: readonly string[]): RequestedAccess {
  const repositories = new Map<RepositoryName, Action[]>();
  let catalog = false;
  const scopes = parameters.flatMap((text) => text.split(' ')).filter((text) => text !== '');
  for (const scope of scopes.slice(0, MAX_SCOPES)) {
    const [, type, name = '', words = ''] = FORM.exec(scope) ?? [];
    if (type === 'repository' && isRepositoryName(name)) {
      const actions = parseActions(words.split(','));
      repositories.set(name, [...new Set([...(repositories.get(name) ?? []), ...actions])]);
    } else if (type === 'registry' && name === 'catalog') {
      catalog = true;
    }
  }
  return { repositories, catalog };
}

/** The same access to the repositories that the names mean; see {@link MirrorNames.resolve}. */
export async function resolveNames(
  requested: RequestedAccess,
  resolve: (name: RepositoryName) => Promise<RepositoryName>,
): Promise<RequestedAccess> {
  const repositories = new Map<RepositoryName, readonly Action[]>();
  for (const [name, actions] of requested.repositories) {
    const isRead = actions.every((action) => action === 'pull');
    repositories.set(isRead ? await resolve(name).catch(() => name) : name, actions);
  }
  return { ...requested, repositories };
}

function parseActions(words: readonly string[]): Action[] {
  return words.includes('*') ? [...ACTIONS] : ACTIONS.filter((action) => words.includes(action));
}

/** Writes a scope of one repository. */
export function formatScope(repository: RepositoryName, actions: readonly Action[]): string {
  return `repository:${repository}:${actions.join(',')}`;
}
