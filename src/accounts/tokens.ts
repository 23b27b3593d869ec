import type { Grant, Identity } from '../auth/identity.ts';
import { hashSecret, newSecret } from '../auth/secrets.ts';
import { RegistryError } from '../oci/errors.ts';
import type { CredentialRecord } from '../storage/metadata/credentials.ts';
import type { Context } from './context.ts';
import { earlier, endAfterDays } from './lifetime.ts';

const MAX_TOKENS = 100; // of one user

/** A personal access token, without its secret. Times are seconds since the epoch. */
export interface Token {
  id: string;
  name: string;
  grants: readonly Grant[] | null; // what it is narrowed to
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface NewToken {
  name: string;
  grants: readonly Grant[] | null;
  expiresInDays: number | null;
}

/** The caller's tokens, the oldest first. */
export async function listTokens({ metadata }: Context, identity: Identity): Promise<Token[]> {
  const records = await metadata.credentials.list(identity.principal, ['personal']);
  return records.map(toToken);
}

/**
 * Makes a token for the caller. One made with another credential ends with that.
 *
 * @returns the token with its secret, which is shown this once
 * @throws DENIED when the caller has 100, ACCOUNT_UNKNOWN when the caller has just been removed
 */
export async function createToken(
  context: Context,
  identity: Identity,
  { name, grants, expiresInDays }: NewToken,
): Promise<Token & { secret: string }> {
  const { metadata, actor } = context;
  if ((await listTokens(context, identity)).length >= MAX_TOKENS) {
    throw new RegistryError('DENIED', `there are ${MAX_TOKENS} tokens; delete one first`);
  }
  const id = crypto.randomUUID();
  const secret = newSecret('personal');
  const isCreated = await metadata.credentials.create(
    {
      id,
      kind: 'personal',
      principal: identity.principal,
      name,
      secretHash: hashSecret(secret),
      limits: JSON.stringify(grants === null ? [] : [grants]),
      grants: null,
      parent: identity.credential,
      trustRule: null,
      expiresAt: earlier(endAfterDays(expiresInDays), identity.expiresAt),
    },
    actor,
    { event: 'token.create', target: id, after: JSON.stringify({ name, grants }) },
  );
  const token = (await listTokens(context, identity)).find((entry) => entry.id === id);
  if (!isCreated || token === undefined) {
    throw unknown();
  }
  return { ...token, secret };
}

/** Revokes a token of the caller, and what was made with it. @throws ACCOUNT_UNKNOWN */
export async function revokeToken(
  { metadata, actor }: Context,
  identity: Identity,
  id: string,
): Promise<void> {
  const entry = { event: 'token.revoke', target: id };
  if (!(await metadata.credentials.delete(identity.principal, id, actor, entry))) {
    throw unknown();
  }
}

function toToken({ limits, ...record }: CredentialRecord): Token {
  const { id, name, createdAt, expiresAt, lastUsedAt } = record;
  const [grants = null] = JSON.parse(limits) as Grant[][];
  return { id, name, grants, createdAt, expiresAt, lastUsedAt };
}

function unknown(): RegistryError {
  return new RegistryError('ACCOUNT_UNKNOWN', 'there is no such token');
}
