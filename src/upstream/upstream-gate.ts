import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { RegistryError } from '../oci/errors.ts';
import { type Result, toResult } from '../rpc/result.ts';
import { readLifetimes } from '../storage/metadata/lifetimes.ts';
import { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { type Authorization, authenticate } from './authenticate.ts';
import { parseChallenge } from './challenge.ts';
import { type Limits, limited } from './limits.ts';
import { LoginSession } from './login-session.ts';
import { after, NEW, secondsLeft, shown, type UpstreamState } from './pauses.ts';
import { LoginRefused } from './refused-logins.ts';

/** A request that the upstream answered with 401. */
export interface Refusal {
  namespace: string;
  host: string; // that was asked: an upstream may move, and what is good for one host is no other's
  repository: string; // as the upstream calls it
  challenge: string | null; // the WWW-Authenticate header
  rejected: string | null; // the Authorization header that it had
}

/**
 * What all requests to one upstream have in common, wherever in the world they are made from: the
 * tokens, which are asked for once, and what it allows. The credentials are decrypted here and nowhere
 * else; where the upstream wants Basic, the header that its requests get has them.
 */
export class UpstreamGate extends DurableObject<Env> {
  #session = new LoginSession();

  /**
   * Lets a request to the upstream through: the Authorization header that it may need, or null while
   * nobody knows of one.
   *
   * @throws UPSTREAM_LIMITED while the upstream has had enough of us
   */
  enter(host: string, repository: string): Promise<Result<string | null>> {
    return toResult(async () => {
      const seconds = secondsLeft(this.#state, Date.now());
      if (seconds > 0) {
        throw limited(seconds);
      }
      return this.#session.tokens.known(nameOf({ host, repository }));
    });
  }

  /**
   * The Authorization header with which to repeat a request that was refused.
   *
   * @throws UPSTREAM_REFUSED, UPSTREAM_FAILED, UPSTREAM_LIMITED
   */
  authorize(refusal: Refusal): Promise<Result<string>> {
    const session = this.#session;
    return toResult(() =>
      session.tokens.get(nameOf(refusal), refusal.rejected, () =>
        session.refused.during(`${nameOf(refusal)} ${refusal.challenge}`, () =>
          this.#logIn(session, refusal),
        ),
      ),
    );
  }

  /** Notes how the upstream answered. For 429 the seconds until it is asked again. */
  report(status: number | null, limits: Limits): number {
    const now = Date.now();
    const state = after(this.#state, status, limits, now);
    this.ctx.storage.kv.put('state', state);
    return status === 429 ? secondsLeft(state, now) : 0;
  }

  /** For administrators. */
  state(): UpstreamState {
    return shown(this.#state, Date.now());
  }

  /** Begins anew: with another login an upstream may allow other things. */
  async forget(): Promise<void> {
    this.#session = new LoginSession();
    await this.ctx.storage.deleteAll(); // so that nothing is left of one that is not asked any more
  }

  get #state(): UpstreamState {
    return this.ctx.storage.kv.get<UpstreamState>('state') ?? NEW;
  }

  async #logIn(
    session: LoginSession,
    { namespace, host, repository, challenge: header, rejected }: Refusal,
  ): Promise<Authorization> {
    const metadata = new MetadataStore(this.env.DB, readLifetimes(this.env.LIFETIMES));
    const upstream = await metadata.upstreams.find(namespace);
    const challenge = parseChallenge(header);
    if (upstream === null || challenge === null) {
      throw new RegistryError(
        'UPSTREAM_REFUSED',
        `${namespace} asks for a login of an unknown kind`,
      );
    }
    const url = new URL(upstream.url);
    if (url.host !== host) {
      throw new RegistryError('UPSTREAM_FAILED', `${namespace} is elsewhere by now; try again`);
    }
    const login = {
      url,
      tokenHost: upstream.tokenHost,
      credentials: await session.credentials.of(upstream, this.env.ADMIN_PASSWORD ?? ''),
      allowsPrivate: this.env.PRIVATE_UPSTREAMS === 'true',
      limited: (limits: Limits) => limited(this.report(429, limits)),
    };
    const authorization = await authenticate(login, challenge, repository);
    if (authorization.header === rejected) {
      throw new LoginRefused(`${host} does not accept the login for ${repository} (401)`);
    }
    return authorization;
  }
}

function nameOf({ host, repository }: Pick<Refusal, 'host' | 'repository'>): string {
  return `${host}/${repository}`;
}
