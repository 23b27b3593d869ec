import { type Identity, seesAll } from '../auth/identity.ts';
import type { NetworkRules } from '../auth/network.ts';
import { type Permission, type Role, roleAllows } from '../auth/roles.ts';
import { RegistryError } from '../oci/errors.ts';
import { formatTime } from '../oci/reference.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import type { NamespaceRecord } from '../storage/metadata/namespaces.ts';
import type { Context } from './context.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import { storedRole } from './stored-role.ts';
import { toUsage, type Usage } from './usage.ts';

/** A namespace as somebody sees it. */
export interface Namespace {
  name: string;
  isPublic: boolean;
  createsOnPush: boolean;
  network: NetworkRules;
  restoreDays: number;
  createdAt: number; // seconds since the epoch
  role: Role; // of the one who asks
  usage: Usage;
}

/** What is to change; the rest stays. */
export interface NamespaceChange {
  isPublic?: boolean | undefined;
  createsOnPush?: boolean | undefined;
  restoreDays?: number | undefined; // for what is deleted from now on
}

/** What somebody needs in a namespace: a permission of the role matrix, or any role. */
export type Need = Permission | 'member';

/**
 * Lets somebody into a namespace. Their role is the one they have on all of it; a system
 * administrator is admin everywhere. That everybody may pull gives no role.
 *
 * @throws ACCOUNT_UNKNOWN, the same for a namespace that is not there and one without a role in it;
 *   DENIED when the role is not enough
 */
export async function enterNamespace(
  metadata: MetadataStore,
  identity: Identity,
  name: string,
  need: Need,
): Promise<Namespace> {
  const record = await metadata.namespaces.find(name, identity.principal);
  const role = record === null ? null : roleOf(identity, record);
  if (record === null || role === null) {
    throw unknownNamespace(identity);
  }
  if (need !== 'member' && !roleAllows(role, need)) {
    throw new RegistryError(
      'DENIED',
      `this takes a role with the permission "${need}"; yours is ${role}`,
    );
  }
  return toNamespace(record, role);
}

/**
 * What is said of a namespace that is not there, and to those who have no role in it: the same. Without
 * somebody it is one that they had entered.
 */
export function unknownNamespace(identity?: Identity): RegistryError {
  const doubt = identity === undefined || seesAll(identity) ? '' : ', or you have no role in it';
  return new RegistryError('ACCOUNT_UNKNOWN', `there is no such namespace${doubt}`);
}

/** The namespaces in which somebody has a role, by name; all of them for a system administrator. */
export async function listNamespaces(
  { metadata }: Context,
  identity: Identity,
  request: PageRequest,
): Promise<Page<Namespace>> {
  const which = identity.isAdmin ? 'all' : 'own';
  const { entries, next } = await readPage(
    request,
    (after, limit) => metadata.namespaces.list(identity.principal, which, after, limit),
    (record) => record.name,
  );
  const namespaces = entries.flatMap((record) => {
    const role = roleOf(identity, record);
    return role === null ? [] : [toNamespace(record, role)];
  });
  return { entries: namespaces, next };
}

/** @throws ACCOUNT_EXISTS */
export async function createNamespace(
  { metadata, actor }: Context,
  identity: Identity,
  namespace: { name: string; isPublic: boolean; createsOnPush: boolean },
): Promise<Namespace> {
  const { name, ...settings } = namespace;
  const entry = {
    event: 'namespace.create',
    namespace: name,
    target: name,
    after: JSON.stringify(settings),
  };
  if (!(await metadata.namespaces.create(namespace, actor, entry))) {
    throw new RegistryError('ACCOUNT_EXISTS', 'there is a namespace of that name');
  }
  return enterNamespace(metadata, identity, name, 'member');
}

/** Changes settings of a namespace, which the caller has entered. @throws ACCOUNT_UNKNOWN */
export async function updateNamespace(
  { metadata, actor }: Context,
  { name, isPublic, createsOnPush, restoreDays, ...rest }: Namespace,
  change: NamespaceChange,
): Promise<Namespace> {
  const entry = {
    event: 'namespace.update',
    namespace: name,
    target: name,
    before: JSON.stringify({ isPublic, createsOnPush, restoreDays }),
    after: JSON.stringify(change),
  };
  if (!(await metadata.namespaces.update(name, change, actor, entry))) {
    throw unknownNamespace();
  }
  return {
    ...rest,
    name,
    isPublic: change.isPublic ?? isPublic,
    createsOnPush: change.createsOnPush ?? createsOnPush,
    restoreDays: change.restoreDays ?? restoreDays,
  };
}

/** Sets the network rules of a namespace, which the caller has entered. @throws ACCOUNT_UNKNOWN */
export async function setNetwork(
  { metadata, actor }: Context,
  { name, network }: Namespace,
  rules: NetworkRules,
): Promise<NetworkRules> {
  const after = JSON.stringify(rules);
  const entry = {
    event: 'namespace.network',
    namespace: name,
    target: name,
    before: JSON.stringify(network),
    after,
  };
  if (!(await metadata.namespaces.update(name, { network: after }, actor, entry))) {
    throw unknownNamespace();
  }
  return rules;
}

/**
 * Removes a namespace with its members, robots and trust rules.
 *
 * @throws ACCOUNT_UNKNOWN, or ACCOUNT_EXISTS while it has repositories or is a mirror
 */
export async function deleteNamespace({ metadata, actor }: Context, name: string): Promise<void> {
  const entry = { event: 'namespace.delete', namespace: name, target: name };
  if (await metadata.namespaces.delete(name, actor, entry)) {
    return;
  }
  if ((await metadata.namespaces.find(name, actor.principal)) === null) {
    throw unknownNamespace();
  }
  if ((await metadata.upstreams.find(name)) !== null) {
    throw new RegistryError('ACCOUNT_EXISTS', `${name} is a mirror: remove its upstream first`);
  }
  const end = await metadata.deletedRepositories.lastEnd(name);
  throw new RegistryError(
    'ACCOUNT_EXISTS',
    end === null
      ? 'the namespace still has repositories'
      : 'the namespace still has deleted repositories, which the collector takes until ' +
          `${formatTime(end)}, or in its next runs if you purge them`,
  );
}

function roleOf(identity: Identity, { role }: NamespaceRecord): Role | null {
  if (identity.isAdmin) {
    return 'admin';
  }
  const stored = storedRole(role ?? 'none');
  return stored === 'none' ? null : stored;
}

function toNamespace(record: NamespaceRecord, role: Role): Namespace {
  const { name, isPublic, createsOnPush, network, restoreDays, createdAt } = record;
  return {
    name,
    isPublic,
    createsOnPush,
    network: JSON.parse(network),
    restoreDays,
    createdAt,
    role,
    usage: toUsage(record),
  };
}
