import { enterNamespace, type Namespace } from '../accounts/namespaces.ts';
import { ANONYMOUS, type Identity } from '../auth/identity.ts';
import { RegistryError } from '../oci/errors.ts';
import type { ApiContext, RoutePermission } from './route.ts';

/** Who was let in, and the namespace that they entered. */
export interface Admission {
  identity: Identity;
  namespace: Namespace | null;
}

/**
 * Lets a caller use a row, or refuses; the only place that does.
 *
 * @param name the namespace in the path, for rows that ask for something there
 * @throws UNAUTHORIZED, DENIED, or ACCOUNT_UNKNOWN for a namespace without a role
 */
export async function admit(
  { metadata, identity }: ApiContext,
  permission: RoutePermission,
  name: string,
): Promise<Admission> {
  if (permission === 'public') {
    return { identity: identity ?? ANONYMOUS, namespace: null };
  }
  if (identity === null || identity.kind === 'anonymous') {
    throw new RegistryError('UNAUTHORIZED', 'log in with a user name and a password or token', {
      headers: { 'WWW-Authenticate': 'Basic realm="edgewater"' },
    });
  }
  if (permission !== 'login') {
    refuseNarrowed(identity);
  }
  if (permission === 'system' && !identity.isAdmin) {
    throw new RegistryError('DENIED', 'this is for administrators of the system');
  }
  const namespace =
    typeof permission === 'string'
      ? null
      : await enterNamespace(metadata, identity, name, permission.namespace);
  return { identity, namespace };
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
