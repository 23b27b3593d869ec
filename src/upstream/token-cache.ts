import type { Authorization } from './authenticate.ts';

/** A token is not used in its last seconds: the request has to arrive. */
const MARGIN = 10_000; // milliseconds

const MAX_TOKENS = 1000;

interface KnownToken {
  header: string;
  until: number; // milliseconds since the epoch
}

/** Tokens by what they are for. One that is not known is asked for once, whoever needs it meanwhile. */
export class TokenCache {
  readonly #tokens = new Map<string, KnownToken>();
  readonly #asking = new Map<string, Promise<string>>();

  /** The Authorization header for `name`, or null while nobody knows of one. */
  known(name: string): string | null {
    const token = this.#tokens.get(name);
    return token !== undefined && token.until > Date.now() ? token.header : null;
  }

  /**
   * The Authorization header for `name`: the known one, unless that is the one that was `rejected` and is
   * known no more, or what `ask` brings.
   */
  async get(
    name: string,
    rejected: string | null,
    ask: () => Promise<Authorization>,
  ): Promise<string> {
    const known = this.known(name);
    if (known !== null && known !== rejected) {
      return known;
    }
    this.#tokens.delete(name);
    const asking = this.#asking.get(name) ?? this.#ask(name, ask);
    this.#asking.set(name, asking);
    return asking;
  }

  async #ask(name: string, ask: () => Promise<Authorization>): Promise<string> {
    try {
      const { header, lifetime } = await ask();
      if (this.#tokens.size >= MAX_TOKENS) {
        this.#tokens.clear();
      }
      const until = Date.now() + Math.max(lifetime * 1000 - MARGIN, MARGIN);
      this.#tokens.set(name, { header, until });
      return header;
    } finally {
      this.#asking.delete(name);
    }
  }
}
