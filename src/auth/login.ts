import { createHash, timingSafeEqual } from 'node:crypto';
import { RegistryError } from '../oci/errors.ts';
import type { LoginRecord } from '../storage/metadata/credentials.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { SYSTEM_ADMIN } from '../storage/metadata/users.ts';
import { logInWorkload } from './federation.ts';
import type { LoginGuard } from './guard.ts';
import type { Grant, Identity } from './identity.ts';
import { NO_PASSWORD, verifyPassword } from './passwords.ts';
import { hashSecret, isSecret } from './secrets.ts';

/** The user name that goes with an identity token of a trusted issuer. */
export const WORKLOAD_USER = 'oidc';

/** The user name that goes with a secret of a workload, whose own name has colons. */
export const WORKLOAD_SECRET_USER = 'token';

/** What the audit log takes as a name from one who has not proved it. */
const PRINCIPAL = /^[\w.+-]{1,255}$/;

/** What a login is checked against. */
export interface LoginContext {
  metadata: MetadataStore;
  guard: LoginGuard;
  adminPassword: string;
  address: string | null;
  allowsLocalIssuers: boolean;
}

/**
 * Logs in with a user name and a password, a secret that the registry gave out, or the identity
 * token of a workload. Failures are slowed down and audited.
 *
 * @throws UNAUTHORIZED, which says nothing of what was wrong, or TOOMANYREQUESTS
 */
export async function logIn(
  context: LoginContext,
  username: string,
  password: string,
): Promise<Identity> {
  if (username === WORKLOAD_USER) {
    return logInWithIdentityToken(context, password);
  }
  if (isSecret(password)) {
    return logInWithSecret(context, username, password);
  }
  await context.guard.attempt(username);
  const identity = await checkPassword(context, username, password);
  if (identity === null) {
    throw await failed(context, username);
  }
  await context.guard.succeed(username);
  return identity;
}

/**
 * Logs in with the identity token of a workload.
 *
 * @throws UNAUTHORIZED, TOOMANYREQUESTS, or UNAVAILABLE when its issuer does not answer
 */
export async function logInWithIdentityToken(
  context: LoginContext,
  token: string,
): Promise<Identity> {
  const { metadata, allowsLocalIssuers } = context;
  const login = await logInWorkload(token, metadata, { allowsLocalIssuers });
  if (login === null) {
    await context.guard.fail();
    throw await failed(context, WORKLOAD_USER);
  }
  const [rule = null, ...others] = login.rules;
  return { ...login.identity, trustRule: others.length === 0 ? rule : null };
}

/**
 * Logs in with a refresh token, which names its principal itself.
 *
 * @throws UNAUTHORIZED or TOOMANYREQUESTS
 */
export async function logInWithRefreshToken(
  context: LoginContext,
  token: string,
): Promise<Identity> {
  const record = isSecret(token) ? await find(context, token) : null;
  if (record?.kind !== 'refresh') {
    await context.guard.fail();
    throw await failed(context, 'refresh-token');
  }
  return toIdentity(record);
}

async function logInWithSecret(
  context: LoginContext,
  username: string,
  secret: string,
): Promise<Identity> {
  const record = await find(context, secret);
  if (record === null || record.kind === 'refresh' || usernameOf(record) !== username) {
    await context.guard.fail();
    throw await failed(context, username);
  }
  return toIdentity(record);
}

/** The user name that goes with a secret. */
function usernameOf({ principal, grants }: LoginRecord): string {
  return grants === null ? principal : WORKLOAD_SECRET_USER;
}

function find({ metadata }: LoginContext, secret: string): Promise<LoginRecord | null> {
  return metadata.credentials.logIn(hashSecret(secret), SYSTEM_ADMIN);
}

async function checkPassword(
  { metadata, adminPassword }: LoginContext,
  username: string,
  password: string,
): Promise<Identity | null> {
  if (username === SYSTEM_ADMIN) {
    return isSame(password, adminPassword) ? userIdentity(username, true) : null;
  }
  const user = await metadata.users.find(username);
  const isRight = await verifyPassword(password, user?.password ?? NO_PASSWORD);
  return isRight && user !== null && !user.isDisabled ? userIdentity(username, user.isAdmin) : null;
}

async function failed(context: LoginContext, principal: string): Promise<RegistryError> {
  const name = PRINCIPAL.test(principal) ? principal : 'invalid';
  const actor = { principal: name, address: context.address };
  await context.metadata.audit.add(actor, { event: 'login.failed' });
  return new RegistryError('UNAUTHORIZED', 'the user name or the password is not right', {
    headers: { 'WWW-Authenticate': 'Basic realm="edgewater"' },
  });
}

function userIdentity(principal: string, isAdmin: boolean): Identity {
  return {
    principal,
    kind: 'user',
    isAdmin,
    limits: [],
    grants: null,
    credential: null,
    trustRule: null,
    expiresAt: null,
  };
}

function toIdentity(record: LoginRecord): Identity {
  const { principal, grants } = record;
  return {
    principal,
    kind: grants !== null ? 'workload' : principal.includes('+') ? 'robot' : 'user',
    isAdmin: record.isAdmin,
    limits: JSON.parse(record.limits) as Grant[][],
    grants: grants === null ? null : (JSON.parse(grants) as Grant[]),
    credential: record.id,
    trustRule: record.trustRule,
    expiresAt: record.expiresAt,
  };
}

/** Compares without telling by its time where the two differ, or how long they are. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
