import { unseal } from '../auth/sealing.ts';
import { RegistryError } from '../oci/errors.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';

/** A user name and a password of an upstream, in the clear. */
export interface Credentials {
  username: string;
  password: string;
}

/** The last credentials that were decrypted: that takes 100 ms in which the object does nothing else. */
export class OpenedCredentials {
  #last: { secret: string; password: Promise<string | null> } | null = null;

  /**
   * What an upstream is logged in to with; null when that is nothing.
   *
   * @throws UPSTREAM_REFUSED when it was encrypted under another `adminPassword`
   */
  async of(
    { namespace, username, secret }: UpstreamRecord,
    adminPassword: string,
  ): Promise<Credentials | null> {
    if (username === null || secret === null) {
      return null;
    }
    if (this.#last?.secret !== secret) {
      this.#last = { secret, password: unseal(secret, adminPassword) };
    }
    const password = await this.#last.password;
    if (password === null) {
      throw new RegistryError(
        'UPSTREAM_REFUSED',
        `the credentials for ${namespace} were stored under another ADMIN_PASSWORD: set them again`,
      );
    }
    return { username, password };
  }
}
