import { createHash } from 'node:crypto';
import type { ClientRequest, Credentials } from '../upload/registry-client.ts';
import { TokenGrant, tokenOf } from '../upload/token-grant.ts';
import type { Answer, Upstream } from '../upload/upstream.ts';
import { Recent } from './recent.ts';

const CAPACITY = 256;
const LIFETIME = 60 * 60 * 1000; // milliseconds without use

/**
 * Which request for a token brought which token, in memory alone. Tokens live minutes and a push may
 * take hours: docker fetches one and streams a layer with it, so the chunks that the proxy makes of
 * it need others, which the same request brings.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export class TokenMemory {
  readonly #upstream: Upstream;
  readonly #grants = new Recent<TokenGrant>(CAPACITY, LIFETIME); // by a hash of the token

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** Takes note of the answer to a request for a token, if there is one in it. */
  note(request: ClientRequest, answer: Answer): void {
    const token = tokenOf(answer);
    if (token !== null) {
      const [path = ''] = request.target.path.split('?', 1);
      const ask = () => this.#upstream.ask({ headers: {}, ...request });
      const grant = new TokenGrant(`${request.target.origin}${path}`, ask, token);
      this.#grants.set(hash(token.value), grant);
    }
  }

  /** What a client may ask with that sent this header. All who sent the same token share it. */
  credentials(authorization: string | undefined): Credentials {
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const grant = token === undefined ? null : this.#grants.get(hash(token));
    return grant === null
      ? { header: async () => authorization ?? null, renew: async () => false }
      : {
          header: () => grant.header(),
          renew: async (refused) => !isTooLittle(refused) && grant.renew(),
        };
  }
}

/** Whether a token was refused that is good: asking again would not bring a better one. */
function isTooLittle({ headers }: Answer): boolean {
  return /error="?insufficient_scope/.test(headers['www-authenticate'] ?? '');
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
