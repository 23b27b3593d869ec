import type { Login } from '../edgewater/api.ts';
import { Client } from './client.ts';

/** Tokens last five minutes; one that is older than this is not used any more. */
const MAX_AGE = 4 * 60_000; // milliseconds

interface Kept {
  header: Promise<string>;
  until: number; // milliseconds since the epoch
}

/** Logs in as clients do, and again before a token ends. */
export class Tokens {
  readonly #url: string;
  readonly #login: Login;
  readonly #client = new Client(2);
  readonly #kept = new Map<string, Kept>();

  constructor(url: string, login: Login) {
    this.#url = url;
    this.#login = login;
  }

  /** The Authorization header for these repositories, from a token that all share who ask this. */
  authorize(repositories: readonly string[]): Promise<string> {
    const key = repositories.join(' ');
    const kept = this.#kept.get(key);
    if (kept !== undefined && Date.now() < kept.until) {
      return kept.header;
    }
    const header = this.fetch(this.#client, repositories, 'pull,push,delete');
    this.#kept.set(key, { header, until: Date.now() + MAX_AGE });
    header.catch(() => this.#kept.delete(key)); // the next one tries anew
    return header;
  }

  /** A token of its own. */
  async fetch(client: Client, repositories: readonly string[], actions: string): Promise<string> {
    const query = new URLSearchParams({ service: new URL(this.#url).host });
    for (const repository of repositories) {
      query.append('scope', `repository:${repository}:${actions}`);
    }
    const { username, password } = this.#login;
    const basic = Buffer.from(`${username}:${password}`).toString('base64');
    const { bytes } = await client.ask({
      method: 'GET',
      url: `${this.#url}/token?${query}`,
      headers: { Authorization: `Basic ${basic}` },
      expected: 200,
      keep: 'bytes',
    });
    return `Bearer ${(JSON.parse(bytes.toString()) as { token: string }).token}`;
  }

  close(): void {
    this.#client.close();
  }
}
