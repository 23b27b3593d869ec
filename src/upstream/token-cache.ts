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
  readonly #asking = new Map<string, Promise<Authorization>>();

  /** The Authorization header for `name`, or null while nobody knows of one. */
  known(name: string): string | null {
    const token = this.#tokens.get(name);
    return token !== undefined && token.until > Date.now() ? token.header : null;
  }

  /** The Authorization header for `name`: the known one unless that is `rejected`, or what `ask` brings. */
  async get(
    name: string,
    rejected: string | null,
    ask: () => Promise<Authorization>,
  ): Promise<string> {
    const known = this.known(name);
    if (known !== null && known !== rejected) {
      return known;
    }
    const asking = this.#asking.get(name) ?? this.#ask(name, ask);
    return (await asking).header;
  }

  /** Begins anew: what is being asked for is for those who wait for it already, and is not kept. */
  clear(): void {
    this.#tokens.clear();
    this.#asking.clear();
  }

  #ask(name: string, ask: () => Promise<Authorization>): Promise<Authorization> {
    const asking = ask();
    this.#asking.set(name, asking);
    asking.then(
      (token) => this.#settle(name, asking, token),
      () => this.#settle(name, asking, null),
    );
    return asking;
  }

  #settle(name: string, asking: Promise<Authorization>, token: Authorization | null): void {
    if (this.#asking.get(name) !== asking) {
      return; // of before a clear()
    }
    this.#asking.delete(name);
    if (token !== null) {
      this.#keep(name, token);
    }
  }

  #keep(name: string, { header, lifetime }: Authorization): void {
    if (this.#tokens.size >= MAX_TOKENS) {
      this.#tokens.clear();
    }
    const until = Date.now() + Math.max(lifetime * 1000 - MARGIN, MARGIN);
    this.#tokens.set(name, { header, until });
  }
}
