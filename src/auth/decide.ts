import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { AccessRecord } from '../storage/metadata/access.ts';
import { globMatches } from './globs.ts';
import { grantsAllow, type Identity, limitsAllow } from './identity.ts';
import { type NetworkRules, networkRefusal, type Origin } from './network.ts';
import { type Action, ROLES, type Role, roleAllows } from './roles.ts';

/** An answer to "may they", and the rule that gave it. */
export interface Decision {
  allowed: boolean;
  because: string;
}

/**
 * Decides whether somebody may do something with a repository. `access` is what is stored about the
 * two; `origin` is where the request comes from, or null to leave the network rules aside.
 */
export function decide(
  identity: Identity,
  action: Action,
  access: AccessRecord,
  origin: Origin | null,
): Decision {
  const byRole = decideByRole(identity, action, access);
  if (!byRole.allowed) {
    return byRole;
  }
  if (!limitsAllow(identity, action, access.repository)) {
    return refuse('the credential is limited to other repositories or actions');
  }
  if (action === 'push' && access.isMirror) {
    return refuse('the namespace is a mirror of another registry: nobody pushes to it');
  }
  if (action === 'push' && !access.exists && !access.createsOnPush) {
    return refuse('the repository does not exist and its namespace creates none on push');
  }
  const refusal = origin === null ? null : networkRefusal(networkOf(access), action, origin);
  return refusal === null ? byRole : refuse(refusal);
}

/** The network rules of the repository's namespace. */
export function networkOf(access: AccessRecord): NetworkRules {
  return JSON.parse(access.network);
}

function decideByRole(identity: Identity, action: Action, access: AccessRecord): Decision {
  const { repository } = access;
  if (identity.isAdmin) {
    return allow(`${identity.principal} administers the system`);
  }
  if (!access.namespaceExists) {
    return refuse('there is no such namespace');
  }
  if (identity.grants !== null && grantsAllow(identity.grants, action, repository)) {
    return allow('a trust rule grants it to this workload');
  }
  const own = strongestRow(access, identity.principal);
  if (own !== null && roleAllows(own.role, action)) {
    return allow(`${identity.principal} is ${own.role} of ${describe(own, repository)}`);
  }
  const everybody = strongestRow(access, '*');
  const open = everybody?.role ?? (access.isPublic ? 'reader' : 'none');
  if (roleAllows(open, action)) {
    return allow(
      everybody === null
        ? 'the namespace is public'
        : `everybody is ${open} of ${describe(everybody, repository)}`,
    );
  }
  return refuse(
    own === null
      ? `${identity.principal} has no role there`
      : `${identity.principal} is ${own.role} of ${describe(own, repository)}, which may not ${action}`,
  );
}

interface Row {
  repositories: string;
  role: Role;
}

/**
 * The principal's row with the longest glob that matches the repository. Stars do not count, or "**"
 * would stand against the name of a repository with one letter; of two as long the one with fewer
 * stars counts, then the weaker role.
 */
function strongestRow(access: AccessRecord, principal: string): Row | null {
  const rest = access.repository.slice(namespaceOf(access.repository).length + 1);
  const rows = access.members
    .filter((row) => row.principal === principal && globMatches(row.repositories, rest))
    .map(({ repositories, role }): Row => ({ repositories, role: isRole(role) ? role : 'none' }))
    .sort(
      (a, b) =>
        lettersOf(b.repositories) - lettersOf(a.repositories) ||
        a.repositories.length - b.repositories.length ||
        ROLES[a.role].length - ROLES[b.role].length,
    );
  return rows[0] ?? null;
}

function lettersOf(glob: string): number {
  return glob.replaceAll('*', '').length;
}

function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text);
}

function describe(row: Row, repository: RepositoryName): string {
  return `${namespaceOf(repository)}/${row.repositories}`;
}

function allow(because: string): Decision {
  return { allowed: true, because };
}

function refuse(because: string): Decision {
  return { allowed: false, because };
}
