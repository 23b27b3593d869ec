import type { RepositoryName } from '../oci/repository-name.ts';
import { globMatches } from './globs.ts';
import type { Action } from './roles.ts';

/** Actions on the repositories whose whole name matches a glob. */
export interface Grant {
  repositories: string;
  actions: readonly Action[];
}

/** Who asks, as their credentials prove it. */
export interface Identity {
  principal: string; // "alice", "acme+ci", "oidc:<subject>", "anonymous"
  kind: 'anonymous' | 'user' | 'robot' | 'workload';
  isAdmin: boolean; // of the system
  /** What the credential narrows the principal's rights to: every list has to allow. */
  limits: readonly (readonly Grant[])[];
  /** A workload's rights, from its trust rule; null where membership decides. */
  grants: readonly Grant[] | null;
  credential: string | null; // its id, when the registry gave it out
  trustRule: string | null; // the id of the only one that let a workload in
  expiresAt: number | null; // seconds since the epoch; null for never
}

export const ANONYMOUS: Identity = {
  principal: 'anonymous',
  kind: 'anonymous',
  isAdmin: false,
  limits: [],
  grants: null,
  credential: null,
  trustRule: null,
  expiresAt: null,
};

/** True when nothing is hidden from them: what they do not see is not there. */
export function seesAll({ isAdmin, limits }: Identity): boolean {
  return isAdmin && limits.length === 0;
}

export function grantsAllow(
  grants: readonly Grant[],
  action: Action,
  repository: RepositoryName,
): boolean {
  return grants.some(
    (grant) => grant.actions.includes(action) && globMatches(grant.repositories, repository),
  );
}

/** True when no limit of the credential stands against the action. */
export function limitsAllow(
  identity: Identity,
  action: Action,
  repository: RepositoryName,
): boolean {
  return identity.limits.every((grants) => grantsAllow(grants, action, repository));
}
