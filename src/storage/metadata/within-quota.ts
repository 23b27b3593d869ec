import { type ErrorName, RegistryError } from '../../oci/errors.ts';
import type { Database } from './database.ts';

/** What a namespace has, and may have: null is as much as it likes. */
export interface QuotaRecord {
  quotaBytes: number | null;
  quotaRepositories: number | null;
  quotaWarning: number; // percent
  usedBytes: number; // each content once
  repositoryCount: number; // without deleted ones
}

/** The columns of namespaces that make a {@link QuotaRecord}. */
export const QUOTA_COLUMNS = `namespaces.quota_bytes AS quotaBytes,
  namespaces.quota_repositories AS quotaRepositories, namespaces.quota_warning AS quotaWarning,
  namespaces.used_bytes AS usedBytes, namespaces.repository_count AS repositoryCount`;

/**
 * Runs `work`, which may make a namespace grow.
 *
 * @throws QUOTA_OF_BYTES_EXCEEDED or QUOTA_OF_REPOSITORIES_EXCEEDED, with the numbers; then nothing
 *   has changed
 */
export async function withinQuota<T>(
  database: Database,
  namespace: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof RegistryError && isOfQuota(error.error)
      ? await quotaRefusal(database, namespace, error.error)
      : error;
  }
}

type QuotaErrorName = Extract<ErrorName, `QUOTA_OF_${string}`>;

function isOfQuota(name: ErrorName): name is QuotaErrorName {
  return name.startsWith('QUOTA_OF_');
}

/** The refusal with the numbers of the namespace as they are now. */
export async function quotaRefusal(
  database: Database,
  namespace: string,
  name: QuotaErrorName,
): Promise<RegistryError> {
  const quota = await database.first<QuotaRecord>(
    `SELECT ${QUOTA_COLUMNS} FROM namespaces WHERE name = ?1`,
    namespace,
  );
  if (quota === null) {
    return new RegistryError(name);
  }
  const [used, most, what, instead] =
    name === 'QUOTA_OF_BYTES_EXCEEDED'
      ? [quota.usedBytes, quota.quotaBytes, 'bytes', 'delete and purge what is not needed']
      : [quota.repositoryCount, quota.quotaRepositories, 'repositories', 'delete one'];
  return new RegistryError(
    name,
    `the namespace "${namespace}" has no room for this: it uses ${format(used)} of ` +
      `${most === null ? 'any number of' : format(most)} ${what}; ${instead}, or ask an ` +
      'administrator of the registry for more',
  );
}

function format(count: number): string {
  return count.toLocaleString('en');
}
