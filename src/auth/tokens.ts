import { decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { IsolateMemory } from '../storage/isolate-memory.ts';
import type { Identity } from './identity.ts';
import type { NetworkRules } from './network.ts';
import type { Action } from './roles.ts';
import { ALGORITHM, type SigningKeys } from './signing-keys.ts';

/** Longer ones are none of ours, and would not fit the headers of some clients. */
const MAX_LENGTH = 32 * 1024; // characters
const ISSUER = 'edgewater';
const CLOCK_TOLERANCE = 30; // seconds, between locations; a token's end is not put off by it

/** What an access token says. */
export interface AccessToken {
  principal: string;
  repositories: Readonly<Record<RepositoryName, readonly Action[]>>;
  /** The rules of the namespaces of those repositories that have any. */
  networks: Readonly<Record<string, NetworkRules>>;
  /** Who may see the catalog, which has to be read as they are; null without that scope. */
  catalog: Identity | null;
}

interface Access {
  type: string;
  name: string;
  actions: readonly string[];
}

/**
 * Signs an access token for the service `audience` that is good for `lifetime` seconds, in the
 * form of https://distribution.github.io/distribution/spec/auth/jwt/
 *
 * @throws TOKEN_REQUEST_INVALID when it would be longer than 32 KiB
 */
export async function signToken(
  keys: SigningKeys,
  token: AccessToken,
  audience: string,
  lifetime: number,
): Promise<string> {
  const { id, key } = await keys.current();
  const access: Access[] = Object.entries(token.repositories).map(([name, actions]) => ({
    type: 'repository',
    name,
    actions,
  }));
  if (token.catalog !== null) {
    access.push({ type: 'registry', name: 'catalog', actions: ['*'] });
  }
  const { principal, networks, catalog } = token;
  const text = await new SignJWT({ access, networks, ...(catalog !== null && { catalog }) })
    .setProtectedHeader({ alg: ALGORITHM, kid: id, typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(audience)
    .setSubject(principal)
    .setIssuedAt()
    .setNotBefore(`-${CLOCK_TOLERANCE}s`)
    .setExpirationTime(`${lifetime}s`)
    .setJti(crypto.randomUUID())
    .sign(key);
  if (text.length > MAX_LENGTH) {
    throw new RegistryError('TOKEN_REQUEST_INVALID', 'ask for fewer repositories in one token');
  }
  return text;
}

/** A token that was verified here, and the key that signed it. */
interface VerifiedToken {
  kid: string;
  token: AccessToken;
}

const MEMORY_SIZE = 4 * 2 ** 20; // bytes

/**
 * Tokens until they expire, by audience and text: clients send the same one with each request, and
 * to verify a signature takes longer than all the rest of a warm pull. A look-up compares hashes of
 * whole tokens, with a seed of the isolate's, so its time tells nothing of how near a guess is.
 */
const verified = new IsolateMemory<VerifiedToken>(MEMORY_SIZE);

/**
 * What an access token says, or null unless it is one of ours, for this audience and still good. The
 * key is found by its id among ours; whatever else the header brings is not looked at.
 */
export async function verifyToken(
  keys: SigningKeys,
  text: string,
  audience: string,
): Promise<AccessToken | null> {
  if (text.length > MAX_LENGTH) {
    return null;
  }
  const name = `${audience} ${text}`;
  const known = verified.get(name);
  if (known !== undefined) {
    return (await keys.find(known.kid)) === null ? null : known.token;
  }
  const kid = keyIdOf(text);
  const key = kid === null ? null : await keys.find(kid);
  if (kid === null || key === null) {
    return null;
  }
  try {
    const { payload } = await jwtVerify(text, key, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience,
      requiredClaims: ['exp', 'sub'],
    });
    const token = toAccessToken(payload);
    verified.set(name, { kid, token }, 4 * text.length, (payload.exp ?? 0) * 1000);
    return token;
  } catch {
    return null;
  }
}

function toAccessToken(payload: JWTPayload): AccessToken {
  const access = payload.access as readonly Access[];
  return {
    principal: payload.sub ?? '',
    repositories: Object.fromEntries(
      access
        .filter(({ type }) => type === 'repository')
        .map(({ name, actions }) => [name, actions as Action[]]),
    ),
    networks: payload.networks as Record<string, NetworkRules>,
    catalog: (payload.catalog as Identity | undefined) ?? null,
  };
}

function keyIdOf(text: string): string | null {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) {
    return null;
  }
  try {
    return decodeProtectedHeader(text).kid ?? null;
  } catch {
    return null;
  }
}
