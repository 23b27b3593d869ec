/** Namespaces and members for tests of what is not the API: written as the API writes them. */
import { env } from 'cloudflare:workers';
import type { Grant } from '../../src/auth/identity.ts';
import { NO_PASSWORD } from '../../src/auth/passwords.ts';
import type { Role } from '../../src/auth/roles.ts';
import { hashSecret, newSecret } from '../../src/auth/secrets.ts';
import { MetadataStore } from '../../src/storage/metadata/metadata-store.ts';
import { basic } from './closed.ts';

const ACTOR = { principal: 'test', address: null };
const ENTRY = { event: 'test' };

export const metadata = new MetadataStore(env.DB);

/** A login: its name, its secret and its Authorization header. */
export interface TestLogin {
  principal: string;
  secret: string;
  headers: { Authorization: string };
}

export async function createNamespace(name: string, isPublic = false, createsOnPush = true) {
  await metadata.namespaces.create({ name, isPublic, createsOnPush }, ACTOR, ENTRY);
}

/** A user who logs in with a personal access token, for passwords take their time. */
export async function createUser(
  name: string,
  { limits = [] as Grant[][], isAdmin = false, expiresAt = null as number | null } = {},
): Promise<TestLogin> {
  await metadata.users.create({ name, password: NO_PASSWORD, isAdmin }, ACTOR, ENTRY);
  return createCredential(name, 'personal', limits, expiresAt);
}

/** A robot of a namespace, with a role there. */
export async function createRobot(namespace: string, name: string, role: Role): Promise<TestLogin> {
  const principal = `${namespace}+${name}`;
  const secret = newSecret('robot');
  await metadata.robots.create(
    namespace,
    { name: principal, description: '', role },
    credential(principal, 'robot', secret, [], null),
    ACTOR,
    ENTRY,
  );
  return { principal, secret, headers: basic(principal, secret) };
}

export async function createCredential(
  principal: string,
  kind: 'personal' | 'temporary',
  limits: Grant[][] = [],
  expiresAt: number | null = null,
): Promise<TestLogin> {
  const secret = newSecret(kind);
  await metadata.credentials.create(
    credential(principal, kind, secret, limits, expiresAt),
    ACTOR,
    ENTRY,
  );
  return { principal, secret, headers: basic(principal, secret) };
}

export async function setRole(
  namespace: string,
  principal: string,
  role: Role,
  repositories = '**',
): Promise<void> {
  await metadata.members.set(namespace, { principal, repositories, role }, ACTOR, ENTRY);
}

function credential(
  principal: string,
  kind: 'personal' | 'temporary' | 'robot',
  secret: string,
  limits: Grant[][],
  expiresAt: number | null,
) {
  return {
    id: crypto.randomUUID(),
    kind,
    principal,
    name: 'test',
    secretHash: hashSecret(secret),
    limits: JSON.stringify(limits),
    grants: null,
    parent: null,
    trustRule: null,
    expiresAt,
  };
}
