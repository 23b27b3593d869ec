import { RefusalError } from '../errors.ts';
import { unavailable } from './connection-error.ts';
import { isTransient } from './retry.ts';
import type { Answer } from './upstream.ts';

const EXPIRES_IN = 60; // seconds, where the answer does not say
const MARGIN = 5; // seconds: a token is checked when a request begins

/** A token, and when another one is needed. */
export interface Token {
  value: string;
  staleAt: number; // milliseconds, as Date.now()
}

/** The token that a realm answered with; null when there is none in it. https://distribution.github.io/distribution/spec/auth/token/ */
export function tokenOf({ status, body }: Answer): Token | null {
  try {
    const { token, access_token, expires_in } = JSON.parse(body.toString());
    const value: unknown = token ?? access_token;
    const seconds = Number(expires_in ?? EXPIRES_IN);
    return status === 200 && typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
      ? { value, staleAt: Date.now() + ((seconds > 0 ? seconds : EXPIRES_IN) - MARGIN) * 1000 }
      : null;
  } catch {
    return null;
  }
}

/** A token that can be had again. All who need another one at once share one request. */
export class TokenGrant {
  readonly #realm: string;
  readonly #ask: () => Promise<Answer>;
  #token: Token | null;
  #renewing: Promise<boolean> | null = null;

  /** `ask` asks the realm, a URL, for a token. */
  constructor(realm: string, ask: () => Promise<Answer>, token: Token | null = null) {
    this.#realm = realm;
    this.#ask = ask;
    this.#token = token;
  }

  /** The header to ask with, from a fresh token if one can be had; null without any. */
  async header(): Promise<string | null> {
    if (this.#token !== null && Date.now() > this.#token.staleAt) {
      await this.renew().catch(() => false); // the old one is refused then, and this comes again
    }
    return this.#token === null ? null : `Bearer ${this.#token.value}`;
  }

  /**
   * Fetches another token.
   *
   * @returns false when the realm gives none
   * @throws ConnectionError, and RefusalError for an answer that should have one and does not
   */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    const answer = await this.#ask();
    if (isTransient(answer)) {
      throw unavailable(new URL(this.#realm).origin, 'a request for a token', answer.status);
    }
    if (answer.status !== 200) {
      return false;
    }
    const token = tokenOf(answer);
    if (token === null) {
      throw new RefusalError(`${this.#realm} should give out tokens and answers with none`);
    }
    this.#token = token;
    return true;
  }
}
