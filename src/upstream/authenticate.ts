import { RegistryError } from '../oci/errors.ts';
import type { Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { type Limits, parseLimits } from './limits.ts';
import { readWhole } from './read-whole.ts';
import { LoginRefused } from './refused-logins.ts';
import { send } from './send.ts';

/** How an upstream is logged in to. */
export interface Login {
  url: URL; // of the upstream
  tokenHost: string | null; // besides the upstream's own, where the credentials may go
  credentials: Credentials | null;
  allowsPrivate: boolean;
  limited: (limits: Limits) => RegistryError; // the realm says 429
}

/** A value of the Authorization header, and how long it is good for. */
export interface Authorization {
  header: string;
  lifetime: number; // seconds
}

const DEFAULT_LIFETIME = 60; // seconds: distribution's token.md
const MAX_ANSWER = 256 * 1024; // bytes
/** What a header can carry. */
const TOKEN = /^[\x21-\x7e]{1,65536}$/;

const LONGEST = 60 * 60; // seconds

/**
 * Answers a challenge. The credentials go to the upstream's own host and to the token host that is
 * configured for it, and nowhere else, whatever realm the challenge names (CVE-2026-33540).
 *
 * @throws LoginRefused when the realm is another's, or the credentials are not accepted;
 *   UPSTREAM_FAILED when the realm does not answer; what `limited` makes when it says 429
 */
export async function authenticate(
  login: Login,
  challenge: Challenge,
  repository: string,
): Promise<Authorization> {
  const basic = basicHeader(login);
  if (challenge.scheme === 'basic') {
    if (basic === null) {
      throw refused(login, 'it asks for credentials, and none are configured');
    }
    return { header: basic, lifetime: LONGEST };
  }
  const realm = parseRealm(login, challenge.realm);
  if (basic !== null && realm.host !== login.url.host && realm.host !== login.tokenHost) {
    throw refused(
      login,
      `it sends its credentials to ${realm.host}: set the token host to that if it is right`,
    );
  }
  const url = new URL(realm);
  if (challenge.service !== null) {
    url.searchParams.set('service', challenge.service);
  }
  url.searchParams.set('scope', challenge.scope ?? `repository:${repository}:pull`);
  const headers = new Headers(basic === null ? {} : { Authorization: basic });
  const response = await send({ method: 'GET', url, headers }, login.allowsPrivate);
  if (response.status === 401 || response.status === 403) {
    await response.body?.cancel();
    throw refused(login, `${realm.host} does not accept the credentials (${response.status})`, {
      isForAll: basic !== null && response.status === 401,
    });
  }
  if (response.status === 429) {
    await response.body?.cancel();
    throw login.limited(parseLimits(response.headers, Date.now()));
  }
  return readToken(response, realm.host);
}

function parseRealm(login: Login, text: string): URL {
  const realm = URL.canParse(text) ? new URL(text) : null;
  if (realm === null || (login.url.protocol === 'https:' && realm.protocol !== 'https:')) {
    throw refused(login, 'the realm that it names is no https URL');
  }
  return realm;
}

async function readToken(response: Response, host: string): Promise<Authorization> {
  const bytes = response.ok ? await readWhole(response, MAX_ANSWER) : null;
  const body = parseJson(new TextDecoder().decode(bytes ?? new Uint8Array()));
  const token = body.token ?? body.access_token;
  if (typeof token !== 'string' || !TOKEN.test(token)) {
    throw new RegistryError(
      'UPSTREAM_FAILED',
      `${host} gave no token that can be sent (${response.status})`,
    );
  }
  const lifetime = Number(body.expires_in);
  return {
    header: `Bearer ${token}`,
    lifetime:
      Number.isSafeInteger(lifetime) && lifetime > 0
        ? Math.min(lifetime, LONGEST)
        : DEFAULT_LIFETIME,
  };
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function basicHeader({ credentials }: Login): string | null {
  if (credentials === null) {
    return null;
  }
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function refused({ url }: Login, why: string, scope?: { isForAll: boolean }): LoginRefused {
  return new LoginRefused(`${url.host}: ${why}`, scope);
}
