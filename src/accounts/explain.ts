import { type Decision, decide } from '../auth/decide.ts';
import { ANONYMOUS, type Grant, type Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import type { Action } from '../auth/roles.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, parseRepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { SYSTEM_ADMIN } from '../storage/metadata/users.ts';
import type { Context } from './context.ts';
import { namespaceOfRobot } from './names.ts';
import { enterNamespace } from './namespaces.ts';

/** "Would this principal, from there, be allowed to do that?" */
export interface Question {
  principal: string;
  repository: string;
  action: Action;
  origin: Origin;
}

/**
 * Says whether somebody would be allowed to do something, and by which rule. The caller has to
 * administer the members of the repository's namespace.
 *
 * @throws NAME_INVALID; ACCOUNT_UNKNOWN for a namespace or a principal; DENIED; ACCOUNT_INVALID for
 *   a workload
 */
export async function explain(
  { metadata }: Context,
  caller: Identity,
  { principal, repository, action, origin }: Question,
): Promise<Decision> {
  const name = parseRepositoryName(repository);
  await enterNamespace(metadata, caller, namespaceOf(name), 'members');
  const { identity, obstacle } = await identityOf(metadata, caller, principal);
  if (obstacle !== null) {
    return { allowed: false, because: obstacle };
  }
  const [access] = await metadata.access.find(identity.principal, [name]);
  if (access === undefined) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such repository');
  }
  return decide(identity, action, access, origin);
}

/** Somebody who has logged in with their password or secret, or why they cannot. */
interface Subject {
  identity: Identity;
  obstacle: string | null;
}

async function identityOf(
  metadata: MetadataStore,
  caller: Identity,
  principal: string,
): Promise<Subject> {
  if (principal === ANONYMOUS.principal || principal === '*') {
    return { identity: ANONYMOUS, obstacle: null };
  }
  if (principal.startsWith('oidc:')) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      'a workload may do what the trust rule grants that lets it in: read the rule',
    );
  }
  const namespace = namespaceOfRobot(principal);
  return namespace === null
    ? userSubject(metadata, principal)
    : robotSubject(metadata, caller, namespace, principal);
}

async function userSubject(metadata: MetadataStore, name: string): Promise<Subject> {
  const identity: Identity = { ...ANONYMOUS, principal: name, kind: 'user' };
  if (name === SYSTEM_ADMIN) {
    return { identity: { ...identity, isAdmin: true }, obstacle: null };
  }
  const user = (await metadata.users.find(name)) ?? unknown();
  const obstacle = user.isDisabled ? `${name} is disabled` : null;
  return { identity: { ...identity, isAdmin: user.isAdmin }, obstacle };
}

async function robotSubject(
  metadata: MetadataStore,
  caller: Identity,
  namespace: string,
  name: string,
): Promise<Subject> {
  await enterNamespace(metadata, caller, namespace, 'member');
  const robot = (await metadata.robots.find(namespace, name)) ?? unknown();
  const limits = JSON.parse(robot.limits) as Grant[][];
  const isExpired = robot.expiresAt !== null && robot.expiresAt * 1000 <= Date.now();
  return {
    identity: { ...ANONYMOUS, principal: name, kind: 'robot', limits },
    obstacle: robot.isDisabled
      ? `${name} is disabled`
      : isExpired
        ? `the secret of ${name} has expired`
        : null,
  };
}

function unknown(): never {
  throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such user or robot');
}
