import { decide } from '../auth/decide.ts';
import type { Identity } from '../auth/identity.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Context } from './context.ts';

/** Somebody who looks at a repository, which they have entered. */
export interface Visit {
  context: Context;
  identity: Identity;
  repository: RepositoryName;
}

/**
 * What the visitor sees of entries: who did it when they may push to the repository, else '', as where
 * nobody knows. Whoever may pull may be everybody, and names of people are not for everybody.
 */
export async function principalsFor({
  context,
  identity,
  repository,
}: Visit): Promise<<Entry extends { principal: string }>(entry: Entry) => Entry> {
  const [access] = await context.metadata.access.find(identity.principal, [repository]);
  const mayPush = access !== undefined && decide(identity, 'push', access, null).allowed;
  return (entry) => (mayPush ? entry : { ...entry, principal: '' });
}
