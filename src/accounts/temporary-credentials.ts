import type { Grant, Identity } from '../auth/identity.ts';
import { WORKLOAD_SECRET_USER } from '../auth/login.ts';
import { hashSecret, newSecret } from '../auth/secrets.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Context } from './context.ts';
import { earlier, endAfterMinutes } from './lifetime.ts';

/** Something to log in with for some minutes. */
export interface TemporaryCredential {
  username: string;
  password: string;
  expiresAt: number; // seconds since the epoch
}

export interface NewTemporaryCredential {
  name: string;
  minutes: number;
  grants: readonly Grant[] | null;
}

/**
 * Makes a credential that has the caller's rights, limits and end, or less.
 *
 * @throws DENIED for a workload that more than one trust rule let in, for no one rule would end it;
 *   ACCOUNT_UNKNOWN when what the caller logged in with is gone
 */
export async function createTemporaryCredential(
  { metadata, actor }: Context,
  identity: Identity,
  { name, minutes, grants }: NewTemporaryCredential,
): Promise<TemporaryCredential> {
  if (identity.kind === 'workload' && identity.credential === null && identity.trustRule === null) {
    throw new RegistryError(
      'DENIED',
      'several trust rules let this workload in: it gets no credential',
    );
  }
  const password = newSecret('temporary');
  const end = endAfterMinutes(minutes);
  const expiresAt = earlier(end, identity.expiresAt) ?? end;
  const limits = grants === null ? identity.limits : [...identity.limits, grants];
  const isCreated = await metadata.credentials.create(
    {
      id: crypto.randomUUID(),
      kind: 'temporary',
      principal: identity.principal,
      name,
      secretHash: hashSecret(password),
      limits: JSON.stringify(limits),
      grants: identity.grants === null ? null : JSON.stringify(identity.grants),
      parent: identity.credential,
      trustRule: identity.trustRule,
      expiresAt,
    },
    actor,
    { event: 'credential.create', target: name, after: JSON.stringify({ minutes, grants }) },
  );
  if (!isCreated) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'what you logged in with is not there any more');
  }
  const username = identity.kind === 'workload' ? WORKLOAD_SECRET_USER : identity.principal;
  return { username, password, expiresAt };
}
