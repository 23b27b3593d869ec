import { createHash } from 'node:crypto';
import {
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import type { TrustRuleRecord } from '../storage/metadata/trust-rules.ts';
import { globMatches } from './globs.ts';
import type { Grant, Identity } from './identity.ts';
import { isTrustworthy, keysOf } from './jwks.ts';

const MAX_LENGTH = 16 * 1024; // characters
const MAX_PRINCIPAL_LENGTH = 255; // characters
const CLOCK_TOLERANCE = 30; // seconds

/** Asymmetric ones only: a public key is never a shared secret. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
];

/** A workload that an issuer vouches for, and the ids of the trust rules that let it in. */
export interface WorkloadLogin {
  identity: Identity;
  rules: readonly string[];
}

/**
 * Logs a workload in by the identity token of its issuer: a trust rule has to name the issuer, the
 * audience and claims that the token has. Null when none does, or the token is not good.
 *
 * Source: https://openid.net/specs/openid-connect-core-1_0.html section 3.1.3.7
 *
 * @throws UNAVAILABLE when the issuer does not answer and its keys are not known yet
 */
export async function logInWorkload(
  token: string,
  metadata: MetadataStore,
  { allowsLocalIssuers }: { allowsLocalIssuers: boolean },
): Promise<WorkloadLogin | null> {
  const claimed = readClaimed(token);
  if (claimed === null || !isTrustworthy(claimed.issuer, allowsLocalIssuers)) {
    return null;
  }
  const { issuer, keyId } = claimed;
  const rules = await metadata.trustRules.ofIssuer(issuer);
  if (rules.length === 0) {
    return null; // strangers make the registry ask nobody
  }
  const keys = await keysOf(issuer, keyId, allowsLocalIssuers);
  const claims = await verify(token, issuer, keys);
  const principal = claims === null ? null : principalOf(issuer, claims.sub);
  const matching = claims === null ? [] : rules.filter((rule) => matches(rule, claims));
  if (claims === null || principal === null || matching.length === 0) {
    return null;
  }
  return {
    identity: {
      principal,
      kind: 'workload',
      isAdmin: false,
      limits: [],
      grants: matching.flatMap((rule) => JSON.parse(rule.grants) as Grant[]),
      credential: null,
      trustRule: null,
      expiresAt: claims.exp ?? 0,
    },
    rules: matching.map((rule) => rule.id),
  };
}

/** Whose token it says it is, and signed by which key; nothing of that is verified yet. */
function readClaimed(token: string): { issuer: string; keyId: string } | null {
  if (token.length > MAX_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
    return null;
  }
  try {
    const { kid = '' } = decodeProtectedHeader(token);
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' && typeof kid === 'string' ? { issuer: iss, keyId: kid } : null;
  } catch {
    return null;
  }
}

/** Only the issuer's keys verify; the header's jwk, jku, x5u and x5c are not looked at. */
async function verify(
  token: string,
  issuer: string,
  keys: JWTVerifyGetKey,
): Promise<JWTPayload | null> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      clockTolerance: CLOCK_TOLERANCE,
      requiredClaims: ['exp', 'iat', 'sub', 'aud'],
    });
    return payload;
  } catch {
    return null;
  }
}

/**
 * "oidc:<issuer>:<subject>". The path of the issuer belongs to it, for many have one host (EKS,
 * Entra); a long subject ends in its hash, so no two are the same. Null for a subject that is none.
 */
function principalOf(issuer: string, subject: unknown): string | null {
  if (typeof subject !== 'string' || subject === '' || /[\p{Cc}\p{Cs}]/u.test(subject)) {
    return null;
  }
  const { host, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '').replaceAll(':', '%3A');
  const principal = `oidc:${host}${path}:${subject}`;
  if (principal.length <= MAX_PRINCIPAL_LENGTH) {
    return principal;
  }
  const end = `~${createHash('sha256').update(principal).digest('hex')}`;
  const start = principal.slice(0, MAX_PRINCIPAL_LENGTH - end.length).replace(/\p{Cs}$/u, '');
  return `${start}${end}`;
}

/** True when a token of the rule's issuer has the rule's audience and fulfils its conditions. */
function matches(rule: TrustRuleRecord, claims: JWTPayload): boolean {
  const audiences = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []);
  const conditions = Object.entries(JSON.parse(rule.claims) as Record<string, string | string[]>);
  return (
    audiences.includes(rule.audience) &&
    conditions.length > 0 &&
    conditions.every(([name, wanted]) => {
      const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
      const isScalar = ['string', 'number', 'boolean'].includes(typeof value);
      return isScalar && [wanted].flat().some((glob) => globMatches(glob, String(value)));
    })
  );
}
