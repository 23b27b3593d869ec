import { decide } from '../auth/decide.ts';
import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import type { Action } from '../auth/roles.ts';
import { RegistryError } from '../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';

/**
 * Lets somebody do something with a repository, as the protocol would.
 *
 * @throws ACCOUNT_UNKNOWN, the same for text that is no name, a repository that is not there and one
 *   that they may not pull; DENIED, with the reason, when they may not do more
 */
export async function enterRepository(
  metadata: MetadataStore,
  identity: Identity,
  origin: Origin,
  name: string,
  action: Action,
): Promise<RepositoryName> {
  if (!isRepositoryName(name)) {
    throw unknownRepository();
  }
  const [access] = await metadata.access.find(identity.principal, [name]);
  if (!access?.exists || !decide(identity, 'pull', access, null).allowed) {
    throw unknownRepository();
  }
  const { allowed, because } = decide(identity, action, access, origin);
  if (!allowed) {
    throw new RegistryError('DENIED', because);
  }
  return name;
}

/** What is said of a repository to those who may not see it. */
export function unknownRepository(): RegistryError {
  return new RegistryError('ACCOUNT_UNKNOWN', 'there is no such repository');
}
