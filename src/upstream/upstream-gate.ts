import { DurableObject } from 'cloudflare:workers';
import { unseal } from '../auth/sealing.ts';
import type { Env } from '../env.ts';
import { RegistryError } from '../oci/errors.ts';
import { type Result, toResult } from '../rpc/result.ts';
import { readLifetimes } from '../storage/metadata/lifetimes.ts';
import { MetadataStore } from '../storage/metadata/metadata-store.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';
import { authenticate } from './authenticate.ts';
import { parseChallenge } from './challenge.ts';
import { type Limits, limited } from './limits.ts';

/** How an upstream answered of late. Times in milliseconds since the epoch. */
export interface UpstreamState {
  pausedUntil: number; // it said 429: nobody asks before then
  refusals: number; // 429 behind each other
  limit: number | null; // requests in its window, as it says
  remaining: number | null;
  failedAt: number | null; // when it did not answer last
}

const NEW: UpstreamState = {
  pausedUntil: 0,
  refusals: 0,
  limit: null,
  remaining: null,
  failedAt: null,
};

const FIRST_PAUSE = 30; // seconds, doubled by each 429 that does not say how long
const LONGEST_PAUSE = 60 * 60; // seconds

/** A token is not used in its last seconds: the request has to arrive. */
const MARGIN = 10_000; // milliseconds

const MAX_TOKENS = 1000;

/** A request that the upstream answered with 401. */
export interface Refusal {
  namespace: string;
  host: string; // that was asked: an upstream may move, and what is good for one host is no other's
  repository: string; // as the upstream calls it
  challenge: string | null; // the WWW-Authenticate header
  rejected: string | null; // the Authorization header that it had
}

interface KnownToken {
  header: string;
  until: number; // milliseconds since the epoch
}

/**
 * What all requests to one upstream have in common, wherever in the world they are made from: the
 * tokens, which are asked for once, and what it allows. The credentials are read here and nowhere else.
 */
export class UpstreamGate extends DurableObject<Env> {
  readonly #tokens = new Map<string, KnownToken>();
  readonly #asking = new Map<string, Promise<string>>();

  /**
   * Lets a request to the upstream through: the Authorization header that it may need, or null while
   * nobody knows of one.
   *
   * @throws UPSTREAM_LIMITED while the upstream has had enough of us
   */
  enter(host: string, repository: string): Promise<Result<string | null>> {
    return toResult(async () => {
      const seconds = Math.ceil((this.#state.pausedUntil - Date.now()) / 1000);
      if (seconds > 0) {
        throw limited(seconds);
      }
      return this.#known(`${host}/${repository}`);
    });
  }

  /**
   * The Authorization header with which to repeat a request that was refused.
   *
   * @throws UPSTREAM_REFUSED, UPSTREAM_FAILED, UPSTREAM_LIMITED
   */
  authorize(refusal: Refusal): Promise<Result<string>> {
    return toResult(async () => {
      const name = `${refusal.host}/${refusal.repository}`;
      const known = this.#known(name);
      if (known !== null && known !== refusal.rejected) {
        return known;
      }
      const asking = this.#asking.get(name) ?? this.#ask(name, refusal);
      this.#asking.set(name, asking);
      return asking.finally(() => this.#asking.delete(name));
    });
  }

  /** Notes how the upstream answered. For 429 the seconds until it is asked again. */
  report(status: number | null, { limit, remaining, retryAfter }: Limits): number {
    const state = this.#state;
    if (status === 429) {
      return this.#pause(retryAfter);
    }
    const hasFailed = status === null || status >= 500;
    this.#save({
      ...state,
      ...(limit !== null && { limit }),
      ...(remaining !== null && { remaining }),
      ...(hasFailed ? { failedAt: Date.now() } : { refusals: 0 }),
    });
    return 0;
  }

  /** For administrators. */
  state(): UpstreamState {
    return this.#state;
  }

  /** Those that were under way when it began to refuse count as one. Seconds until the end. */
  #pause(retryAfter: number | null): number {
    const state = this.#state;
    const now = Date.now();
    const isNew = state.pausedUntil <= now;
    const wasLongAgo = state.pausedUntil < now - LONGEST_PAUSE * 1000;
    const refusals = wasLongAgo ? 0 : state.refusals;
    const own = isNew ? FIRST_PAUSE * 2 ** refusals : 0;
    const pause = Math.min(retryAfter ?? own, LONGEST_PAUSE);
    const pausedUntil = Math.max(state.pausedUntil, now + pause * 1000);
    this.#save({
      ...state,
      refusals: isNew ? Math.min(refusals + 1, 10) : refusals,
      remaining: 0,
      pausedUntil,
    });
    return Math.ceil((pausedUntil - now) / 1000);
  }

  /** Begins anew: with another login an upstream may allow other things. */
  forget(): void {
    this.#tokens.clear();
    this.#asking.clear();
    this.#save(NEW);
  }

  get #state(): UpstreamState {
    return this.ctx.storage.kv.get<UpstreamState>('state') ?? NEW;
  }

  #save(state: UpstreamState): void {
    this.ctx.storage.kv.put('state', state);
  }

  #known(name: string): string | null {
    const token = this.#tokens.get(name);
    return token !== undefined && token.until > Date.now() ? token.header : null;
  }

  async #ask(
    name: string,
    { namespace, host, repository, challenge: header }: Refusal,
  ): Promise<string> {
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
      credentials: await credentialsOf(upstream, this.env.ADMIN_PASSWORD ?? ''),
      allowsPrivate: this.env.PRIVATE_UPSTREAMS === 'true',
      limited: (limits: Limits) => limited(this.report(429, limits)),
    };
    const token = await authenticate(login, challenge, repository);
    if (this.#tokens.size >= MAX_TOKENS) {
      this.#tokens.clear();
    }
    const until = Date.now() + Math.max(token.lifetime * 1000 - MARGIN, MARGIN);
    this.#tokens.set(name, { header: token.header, until });
    return token.header;
  }
}

async function credentialsOf({ namespace, username, secret }: UpstreamRecord, password: string) {
  if (username === null || secret === null) {
    return null;
  }
  const plain = await unseal(secret, password);
  if (plain === null) {
    throw new RegistryError(
      'UPSTREAM_REFUSED',
      `the credentials for ${namespace} were stored under another ADMIN_PASSWORD: set them again`,
    );
  }
  return { username, password: plain };
}
