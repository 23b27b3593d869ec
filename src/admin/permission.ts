import { enterRepository } from '../accounts/enter-repository.ts';
import { enterNamespace, type Namespace } from '../accounts/namespaces.ts';
import { ANONYMOUS, type Identity } from '../auth/identity.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ApiContext, RoutePermission } from './route.ts';

/** Who was let in, and the namespace or repository that they entered. */
export interface Admission {
  identity: Identity;
  namespace: Namespace | null;
  repository: RepositoryName | null;
}

/**
 * Lets a caller use a row, or refuses; the only place that does.
 *
 * @param params of the path: the namespace or repository that the row asks for something in
 * @throws UNAUTHORIZED, DENIED, or ACCOUNT_UNKNOWN for a namespace without a role and a repository that
 *   they may not pull
 */
export async function admit(
  { metadata, identity, origin }: ApiContext,
  permission: RoutePermission,
  params: { namespace?: string; repository?: string },
): Promise<Admission> {
  const entered = { namespace: null, repository: null };
  if (permission === 'public') {
    return { ...entered, identity: identity ?? ANONYMOUS };
  }
  if (identity === null || identity.kind === 'anonymous') {
    throw new RegistryError('UNAUTHORIZED', 'log in with a user name and a password or token', {
      headers: { 'WWW-Authenticate': 'Basic realm="edgewater"' },
    });
  }
  if (typeof permission === 'object' && 'repository' in permission) {
    const name = params.repository ?? '';
    const action = permission.repository;
    const repository = await enterRepository(metadata, identity, origin, name, action);
    return { ...entered, identity, repository };
  }
  if (permission !== 'login') {
    refuseNarrowed(identity);
  }
  if (permission === 'system' && !identity.isAdmin) {
    throw new RegistryError('DENIED', 'this is for administrators of the system');
  }
  if (typeof permission === 'string') {
    return { ...entered, identity };
  }
  const name = params.namespace ?? '';
  const namespace = await enterNamespace(metadata, identity, name, permission.namespace);
  return { ...entered, identity, namespace };
}

/** What was given for some actions on some repositories administers nothing. */
function refuseNarrowed({ kind, limits }: Identity): void {
  if (kind !== 'user') {
    throw new RegistryError('DENIED', `a ${kind} administers nothing; log in as a user`);
  }
  if (limits.length > 0) {
    throw new RegistryError('DENIED', 'a limited credential administers nothing');
  }
}
