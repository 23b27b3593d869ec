import { decide } from '../auth/decide.ts';
import { type Identity, seesAll } from '../auth/identity.ts';
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
    throw unknownRepository(identity);
  }
  const [access] = await metadata.access.find(identity.principal, [name]);
  if (!access?.exists || !decide(identity, 'pull', access, null).allowed) {
    throw unknownRepository(identity);
  }
  const { allowed, because } = decide(identity, action, access, origin);
  if (!allowed) {
    throw new RegistryError('DENIED', because);
  }
  return name;
}

/** What is said of a repository that is not there, and to those who may not see it: the same. */
export function unknownRepository(identity: Identity): RegistryError {
  const doubt = seesAll(identity) ? '' : ', or you may not see it';
  return new RegistryError('ACCOUNT_UNKNOWN', `there is no such repository${doubt}`);
}
