import { unseal } from '../auth/sealing.ts';
import { RegistryError } from '../oci/errors.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';

/** A user name and a password of an upstream, in the clear. */
export interface Credentials {
  username: string;
  password: string;
}

/**
 * Decrypts what an upstream is logged in to with; null when that is nothing.
 *
 * @throws UPSTREAM_REFUSED when it was encrypted under another `adminPassword`
 */
export async function openCredentials(
  { namespace, username, secret }: UpstreamRecord,
  adminPassword: string,
): Promise<Credentials | null> {
  if (username === null || secret === null) {
    return null;
  }
  const password = await unseal(secret, adminPassword);
  if (password === null) {
    throw new RegistryError(
      'UPSTREAM_REFUSED',
      `the credentials for ${namespace} were stored under another ADMIN_PASSWORD: set them again`,
    );
  }
  return { username, password };
}
