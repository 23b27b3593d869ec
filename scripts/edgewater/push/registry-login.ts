import type { Login } from '../api.ts';
import type { Credentials } from '../upload/registry-client.ts';
import { TokenGrant } from '../upload/token-grant.ts';
import { type Answer, type Target, Upstream } from '../upload/upstream.ts';
import { parseChallenge } from './challenge.ts';

/** Logs in as a registry's challenge says, and again when a token is over. */
export class RegistryLogin implements Credentials {
  readonly #upstream: Upstream;
  readonly #login: Login | null;
  readonly #scope: string;
  #isBasic = false;
  readonly #grants = new Map<string, TokenGrant>(); // by what the challenge says
  #grant: TokenGrant | null = null;

  /** `scope` is what tokens should be good for, as "repository:acme/app:pull,push". */
  constructor(upstream: Upstream, login: Login | null, scope: string) {
    this.#upstream = upstream;
    this.#login = login;
    this.#scope = scope;
  }

  async header(): Promise<string | null> {
    return this.#isBasic ? this.#basic() : ((await this.#grant?.header()) ?? null);
  }

  /** All layers notice at once that the token is over: one fetches another. */
  async renew({ headers }: Answer): Promise<boolean> {
    const challenge = parseChallenge(headers['www-authenticate']);
    if (challenge?.scheme === 'basic') {
      const isNew = !this.#isBasic && this.#login !== null;
      this.#isBasic = true;
      return isNew;
    }
    if (challenge !== null) {
      this.#isBasic = false;
      this.#grant = this.#grantOf(challenge.realm, challenge.service);
    }
    return (await this.#grant?.renew()) ?? false;
  }

  /** The same one for the same challenge, so that requests for its tokens can be shared. */
  #grantOf(realm: string, service: string | null): TokenGrant {
    const key = JSON.stringify([realm, service]);
    const place = this.#upstream.follow(realm, this.#upstream.at('/'));
    const grant =
      this.#grants.get(key) ??
      new TokenGrant(`${place.origin}${place.path}`, () => this.#askRealm(place, service));
    this.#grants.set(key, grant);
    return grant;
  }

  /** The password goes where the challenge says, if that is https, the registry or this machine. */
  async #askRealm({ origin, path }: Target, service: string | null): Promise<Answer> {
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
