import { RegistryError } from '../oci/errors.ts';

const LIFETIME = 60_000; // milliseconds

const MAX_REFUSALS = 1000;

/** An upstream does not let us log in. */
export class LoginRefused extends RegistryError {
  readonly isForAll: boolean; // of its repositories: it does not know the credentials

  constructor(message: string, { isForAll = false } = {}) {
    super('UPSTREAM_REFUSED', message);
    this.isForAll = isForAll;
  }
}

/**
 * Logins that were refused of late, which are not tried again: upstreams lock an account after some, and
 * a cluster that cannot pull asks again and again.
 */
export class RefusedLogins {
  readonly #refusals = new Map<string, { error: LoginRefused; until: number }>();

  /**
   * Has `logIn` try for `what`, of one repository, unless that or all was refused in the last minute.
   *
   * @throws LoginRefused, as then; what `logIn` throws
   */
  async during<T>(what: string, logIn: () => Promise<T>): Promise<T> {
    for (const key of [ALL, what]) {
      const refusal = this.#refusals.get(key);
      if (refusal !== undefined && refusal.until > Date.now()) {
        throw refusal.error;
      }
    }
    try {
      return await logIn();
    } catch (error) {
      if (error instanceof LoginRefused) {
        this.#note(error.isForAll ? ALL : what, error);
      }
      throw error;
    }
  }

  #note(key: string, error: LoginRefused): void {
    if (this.#refusals.size >= MAX_REFUSALS) {
      this.#refusals.clear();
    }
    this.#refusals.set(key, { error, until: Date.now() + LIFETIME });
  }
}

const ALL = '';
