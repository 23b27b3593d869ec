import type { Grant } from '../auth/identity.ts';
import { RegistryError } from '../oci/errors.ts';
import type { TrustRuleRecord } from '../storage/metadata/trust-rules.ts';
import type { Context } from './context.ts';
import { checkIssuer } from './issuer.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

/** What a claim has to be: a glob, or one of several. */
export type Claims = Readonly<Record<string, string | readonly string[]>>;

/** "A token of this issuer with these claims may do that." */
export interface TrustRule {
  name: string;
  issuer: string;
  audience: string;
  claims: Claims;
  grants: readonly Grant[];
  createdAt: number; // seconds since the epoch
}

/** Trust rules by name. */
export async function listTrustRules(
  { metadata }: Context,
  namespace: string,
  request: PageRequest,
): Promise<Page<TrustRule>> {
  const { entries, next } = await readPage(
    request,
    (after, limit) => metadata.trustRules.list(namespace, after, limit),
    (rule) => rule.name,
  );
  return { entries: entries.map(toTrustRule), next };
}

/**
 * Adds a trust rule.
 *
 * @throws ACCOUNT_INVALID for an issuer, claims or grants that would let in too many or too far;
 *   ACCOUNT_EXISTS
 */
export async function createTrustRule(
  { metadata, actor }: Context,
  namespace: string,
  rule: Omit<TrustRule, 'createdAt'>,
  { allowsLocalIssuers }: { allowsLocalIssuers: boolean },
): Promise<TrustRule> {
  checkIssuer(rule.issuer, allowsLocalIssuers);
  checkClaims(rule.claims);
  checkGrants(rule.grants, namespace);
  const { name, ...content } = rule;
  const isCreated = await metadata.trustRules.create(
    {
      ...rule,
      id: crypto.randomUUID(),
      namespace,
      claims: JSON.stringify(rule.claims),
      grants: JSON.stringify(rule.grants),
    },
    actor,
    { event: 'trust-rule.create', namespace, target: name, after: JSON.stringify(content) },
  );
  const stored = isCreated ? await metadata.trustRules.find(namespace, name) : null;
  if (stored === null) {
    throw new RegistryError('ACCOUNT_EXISTS', 'there is a trust rule of that name');
  }
  return toTrustRule(stored);
}

/** Removes a rule, and the credentials of the workloads that it let in. @throws ACCOUNT_UNKNOWN */
export async function deleteTrustRule(
  { metadata, actor }: Context,
  namespace: string,
  name: string,
): Promise<void> {
  const stored = await metadata.trustRules.find(namespace, name);
  const entry = {
    event: 'trust-rule.delete',
    namespace,
    target: name,
    before: stored === null ? null : describe(toTrustRule(stored)),
  };
  if (!(await metadata.trustRules.delete(namespace, name, actor, entry))) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such trust rule');
  }
}

/** An issuer vouches for many strangers, so some claim has to say more than "anything". */
function checkClaims(claims: Claims): void {
  const says = (value: string | readonly string[]) =>
    [value].flat().every((glob) => /[^*]/.test(glob));
  if (!Object.values(claims).some(says)) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      'at least one claim has to be more than "*": whoever has a token of the issuer would be let in',
    );
  }
}

function checkGrants(grants: readonly Grant[], namespace: string): void {
  if (!grants.every((grant) => grant.repositories.startsWith(`${namespace}/`))) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `the repositories of a grant have to begin with "${namespace}/"`,
    );
  }
}

function describe({ issuer, audience, claims, grants }: TrustRule): string {
  return JSON.stringify({ issuer, audience, claims, grants });
}

function toTrustRule({
  name,
  issuer,
  audience,
  claims,
  grants,
  createdAt,
}: TrustRuleRecord): TrustRule {
  return {
    name,
    issuer,
    audience,
    claims: JSON.parse(claims),
    grants: JSON.parse(grants),
    createdAt,
  };
}
