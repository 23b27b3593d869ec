/** OIDC issuers that answer `fetch` inside the test, and tell what they were asked. */
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { vi } from 'vitest';

export interface TestKey {
  id: string;
  algorithm: string;
  privateKey: CryptoKey;
  jwk: JWK; // the public one, as it is published
}

type Answer = () => Promise<Response> | Response;

export async function newKey(id: string, algorithm = 'ES256'): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: id, alg: algorithm, use: 'sig' };
  return { id, algorithm, privateKey, jwk };
}

/** Signs claims as they are, with more in the header. */
export function sign(key: TestKey, claims: JWTPayload, header: object = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, kid: key.id, ...header })
    .sign(key.privateKey);
}

let issuers = 0;
const answers = new Map<string, Answer>(); // by URL

/** Everything that was asked for since {@link startInternet}. */
export const requests: string[] = [];

/** Replaces `fetch`: what no issuer answers is not there. */
export function startInternet(): void {
  requests.length = 0;
  vi.stubGlobal('fetch', async (url: string) => {
    requests.push(url);
    await scheduler.wait(1);
    const answer = answers.get(url);
    if (answer === undefined) {
      throw new TypeError(`nobody answers at ${url}`);
    }
    return answer();
  });
}

/** An issuer that no other test knows. */
export class TestIssuer {
  readonly url: string;
  keys: TestKey[];
  discovery: Record<string, unknown>;

  constructor(keys: TestKey[], url?: string) {
    issuers += 1;
    this.url = url ?? `https://issuer-${issuers}.example`;
    this.keys = keys;
    this.discovery = { issuer: this.url, jwks_uri: this.keysUrl };
    this.start();
  }

  get keysUrl(): string {
    return `${this.url}/keys`;
  }

  get discoveryUrl(): string {
    return `${this.url}/.well-known/openid-configuration`;
  }

  start(): void {
    answers.set(this.discoveryUrl, () => Response.json(this.discovery));
    answers.set(this.keysUrl, () => Response.json({ keys: this.keys.map(({ jwk }) => jwk) }));
  }

  stop(): void {
    answers.delete(this.discoveryUrl);
    answers.delete(this.keysUrl);
  }

  answer(url: string, answer: Answer): void {
    answers.set(url, answer);
  }

  /** How often the keys were asked for. */
  get fetches(): number {
    return requests.filter((url) => url === this.discoveryUrl).length;
  }
}
