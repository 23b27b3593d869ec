import { RegistryError } from '../oci/errors.ts';

/** What a route does, as the router names it. */
export type Access = 'pull' | 'push' | 'delete' | 'catalog' | 'any';

/**
 * Allows a request or refuses it; the only place that decides.
 *
 * There are no accounts yet: an open registry allows everything to everybody, and one that is not
 * declared open allows nothing, so that nobody puts an open registry on the internet by accident.
 *
 * @throws DENIED, with the access that was needed as its detail
 */
export function authorize(isOpen: boolean, access: Access): void {
  if (!isOpen) {
    throw new RegistryError(
      'DENIED',
      'this registry has no access control yet and is not declared open: set the variable ' +
        'OPEN to "true" to let everybody who reaches it pull, push and delete',
      { details: [access] },
    );
  }
}
