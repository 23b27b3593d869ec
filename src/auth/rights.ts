import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { AccessRecord } from '../storage/metadata/access.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { decide, networkOf } from './decide.ts';
import type { Identity } from './identity.ts';
import type { NetworkRules } from './network.ts';
import { ACTIONS, type Action } from './roles.ts';
import type { AccessToken } from './tokens.ts';

/** What somebody may do with the repositories of one request. */
export interface Rights {
  principal: string;
  /** Who they are, where it is known well enough to see the catalog. */
  identity: Identity | null;
  repositories: readonly RepositoryName[];
  actions(repository: RepositoryName): readonly Action[];
  network(repository: RepositoryName): NetworkRules;
}

/** The rights that an access token carries: no query is needed. */
export function rightsOfToken(token: AccessToken): Rights {
  return {
    principal: token.principal,
    identity: token.catalog,
    repositories: Object.keys(token.repositories) as RepositoryName[],
    actions: (name) => own(token.repositories, name) ?? [],
    network: (name) => own(token.networks, namespaceOf(name)) ?? {},
  };
}

/** The rights that somebody has on repositories now, by one query. */
export async function rightsOf(
  metadata: MetadataStore,
  identity: Identity,
  repositories: readonly RepositoryName[],
): Promise<Rights> {
  const records = new Map<RepositoryName, AccessRecord>();
  if (repositories.length > 0) {
    for (const record of await metadata.access.find(identity.principal, repositories)) {
      records.set(record.repository, record);
    }
  }
  return {
    principal: identity.principal,
    identity,
    repositories,
    actions: (name) => {
      const record = records.get(name);
      return record === undefined
        ? []
        : ACTIONS.filter((action) => decide(identity, action, record, null).allowed);
    },
    network: (name) => {
      const record = records.get(name);
      return record === undefined ? {} : networkOf(record);
    },
  };
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
