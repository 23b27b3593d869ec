import type { Identity } from '../auth/identity.ts';
import type { Role } from '../auth/roles.ts';
import { RegistryError } from '../oci/errors.ts';
import { memberKey } from '../storage/metadata/members.ts';
import type { Context } from './context.ts';
import { namespaceOfRobot } from './names.ts';
import { enterNamespace } from './namespaces.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import { storedRole } from './stored-role.ts';

/** A role of a principal on the repositories of a namespace that match a glob. */
export interface Member {
  principal: string; // "*" for everybody
  repositories: string; // glob over the name behind the namespace; "**" for all
  role: Role;
}

/** Members by principal. */
export async function listMembers(
  { metadata }: Context,
  namespace: string,
  request: PageRequest,
): Promise<Page<Member>> {
  const { entries, next } = await readPage(
    request,
    (after, limit) => metadata.members.list(namespace, after, limit),
    memberKey,
  );
  return { entries: entries.map((row) => ({ ...row, role: storedRole(row.role) })), next };
}

/**
 * Gives a principal a role.
 *
 * @throws ACCOUNT_UNKNOWN when there is no such principal, and for a robot of a namespace that the
 *   caller has no role in; ACCOUNT_INVALID when everybody would get to write
 */
export async function setMember(
  { metadata, actor }: Context,
  identity: Identity,
  namespace: string,
  member: Member,
): Promise<Member> {
  const { principal, repositories, role } = member;
  if (principal === '*' && role !== 'reader' && role !== 'none') {
    throw new RegistryError('ACCOUNT_INVALID', 'everybody ("*") can be reader or none');
  }
  const owner = namespaceOfRobot(principal);
  if (owner !== null && owner !== namespace) {
    await enterNamespace(metadata, identity, owner, 'member');
  }
  const entry = {
    event: 'member.set',
    namespace,
    target: targetOf(principal, repositories),
    before: await metadata.members.find(namespace, principal, repositories),
    after: role,
  };
  if (!(await metadata.members.set(namespace, member, actor, entry))) {
    unknown();
  }
  return member;
}

/** Takes a role away. @throws ACCOUNT_UNKNOWN */
export async function removeMember(
  { metadata, actor }: Context,
  namespace: string,
  principal: string,
  repositories: string,
): Promise<void> {
  const entry = {
    event: 'member.remove',
    namespace,
    target: targetOf(principal, repositories),
    before: await metadata.members.find(namespace, principal, repositories),
  };
  if (!(await metadata.members.delete(namespace, principal, repositories, actor, entry))) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such member');
  }
}

function targetOf(principal: string, repositories: string): string {
  return repositories === '**' ? principal : `${principal} on ${repositories}`;
}

function unknown(): never {
  throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such user or robot');
}
