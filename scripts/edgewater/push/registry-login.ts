import type { Login } from '../api.ts';
import { unavailable } from '../upload/connection-error.ts';
import type { Credentials } from '../upload/registry-client.ts';
import { isTransient } from '../upload/retry.ts';
import { type Answer, type Target, Upstream } from '../upload/upstream.ts';
import { type Challenge, parseChallenge } from './challenge.ts';

const EXPIRES_IN = 60; // seconds, where the answer does not say
const MARGIN = 5; // seconds: a token is checked when a request begins

/** Logs in as a registry's challenge says, and again when a token is over. */
export class RegistryLogin implements Credentials {
  readonly #upstream: Upstream;
  readonly #login: Login | null;
  readonly #scope: string;
  #challenge: Challenge | null = null;
  #authorization: string | null = null;
  #expiresAt = Number.POSITIVE_INFINITY; // milliseconds, as Date.now()
  #renewing: Promise<boolean> | null = null;

  /** `scope` is what tokens should be good for, as "repository:acme/app:pull,push". */
  constructor(upstream: Upstream, login: Login | null, scope: string) {
    this.#upstream = upstream;
    this.#login = login;
    this.#scope = scope;
  }

  async header(): Promise<string | null> {
    if (this.#challenge !== null && Date.now() > this.#expiresAt) {
      await this.#renewOnce(this.#challenge).catch(() => false); // it is refused then, and this comes again
    }
    return this.#authorization;
  }

  async renew({ headers }: Answer): Promise<boolean> {
    const challenge = parseChallenge(headers['www-authenticate']) ?? this.#challenge;
    return challenge === null ? false : this.#renewOnce(challenge);
  }

  /** All layers notice at once that the token is over: one fetches another. */
  #renewOnce(challenge: Challenge): Promise<boolean> {
    this.#renewing ??= this.#renew(challenge).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(challenge: Challenge): Promise<boolean> {
    this.#challenge = challenge;
    if (challenge.scheme === 'basic') {
      const isNew = this.#authorization === null && this.#login !== null;
      this.#authorization = this.#basic();
      return isNew;
    }
    const answer = await this.#askRealm(challenge);
    if (isTransient(answer)) {
      throw unavailable(new URL(challenge.realm).origin, 'a request for a token', answer.status);
    }
    if (answer.status !== 200) {
      return false;
    }
    const { token, access_token, expires_in } = JSON.parse(answer.body.toString());
    this.#authorization = `Bearer ${token ?? access_token}`;
    this.#expiresAt = Date.now() + (Number(expires_in ?? EXPIRES_IN) - MARGIN) * 1000;
    return true;
  }

  /** The password goes where the challenge says, if that is https, the registry or this machine. */
  async #askRealm({ realm, service }: Extract<Challenge, { realm: string }>): Promise<Answer> {
    const { origin, path }: Target = this.#upstream.follow(realm, this.#upstream.at('/'));
    const query = new URLSearchParams({ scope: this.#scope, client_id: 'edgewater' });
    if (service !== null) {
      query.set('service', service);
    }
    const place = new Upstream(origin);
    const authorization = this.#basic();
    try {
      return await place.ask({
        method: 'GET',
        target: place.at(`${path}${path.includes('?') ? '&' : '?'}${query}`),
        headers: authorization === null ? {} : { authorization },
      });
    } finally {
      place.close();
    }
  }

  #basic(): string | null {
    if (this.#login === null) {
      return null;
    }
    const { username, password } = this.#login;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
}
