import { createHash } from 'node:crypto';
import { unavailable } from '../upload/connection-error.ts';
import type { ClientRequest, Credentials } from '../upload/registry-client.ts';
import { isTransient } from '../upload/retry.ts';
import type { Answer, Upstream } from '../upload/upstream.ts';
import { Recent } from './recent.ts';

const CAPACITY = 256;
const LIFETIME = 60 * 60 * 1000; // milliseconds without use
const EXPIRES_IN = 60; // seconds, where the answer does not say
const MARGIN = 5; // seconds: a token is checked when a request begins

/**
 * Which request for a token brought which token, in memory alone. Tokens live minutes and a push may
 * take hours: docker fetches one and streams a layer with it, so the chunks that the proxy makes of
 * it need others, which the same request brings.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export class TokenMemory {
  readonly #upstream: Upstream;
  readonly #sources = new Recent<TokenSource>(CAPACITY, LIFETIME); // by a hash of the token

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** Takes note of the answer to a request for a token, if there is one in it. */
  note(request: ClientRequest, answer: Answer): void {
    const grant = grantOf(answer);
    if (grant !== null) {
      this.#sources.set(hash(grant.token), new TokenSource(this.#upstream, request, grant));
    }
  }

  /** What a client may ask with that sent this header. */
  credentials(authorization: string | undefined): Credentials {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const source = token === undefined ? null : this.#sources.get(hash(token));
    return source ?? { header: async () => authorization ?? null, renew: async () => false };
  }
}

/** A token that renews itself. All who had the same one share it. */
class TokenSource implements Credentials {
  readonly #upstream: Upstream;
  readonly #request: ClientRequest;
  #grant: Grant;
  #renewing: Promise<boolean> | null = null;

  constructor(upstream: Upstream, request: ClientRequest, grant: Grant) {
    this.#upstream = upstream;
    this.#request = request;
    this.#grant = grant;
  }

  async header(): Promise<string> {
    if (Date.now() > this.#grant.expiresAt - MARGIN * 1000) {
      await this.#fetchOnce().catch(() => false); // the old one is refused then, and this comes again
    }
    return `Bearer ${this.#grant.token}`;
  }

  /** What was granted too little for will not be granted more by asking again. */
  async renew(refused: Answer): Promise<boolean> {
    const isTooLittle = /error="?insufficient_scope/.test(
      refused.headers['www-authenticate'] ?? '',
    );
    return isTooLittle ? false : this.#fetchOnce();
  }

  #fetchOnce(): Promise<boolean> {
    this.#renewing ??= this.#fetch().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #fetch(): Promise<boolean> {
    const answer = await this.#upstream.ask({ headers: {}, ...this.#request });
    if (isTransient(answer)) {
      throw unavailable(this.#upstream.origin, 'a request for a token', answer.status);
    }
    const grant = grantOf(answer);
    this.#grant = grant ?? this.#grant;
    return grant !== null;
  }
}

interface Grant {
  token: string;
  expiresAt: number; // milliseconds, as Date.now()
}

function grantOf(answer: Answer): Grant | null {
  if (answer.status !== 200) {
    return null;
  }
  try {
    const { token, access_token, expires_in } = JSON.parse(answer.body.toString());
    const value: unknown = token ?? access_token;
    const seconds = Number(expires_in ?? EXPIRES_IN);
    return typeof value === 'string'
      ? { token: value, expiresAt: Date.now() + seconds * 1000 }
      : null;
  } catch {
    return null;
  }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
