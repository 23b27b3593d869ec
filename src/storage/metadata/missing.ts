import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';

/** At most `limit` of `digests` that a repository has no row for in `table`. */
export async function missingFrom(
  table: 'repository_blobs' | 'manifests',
  database: Database,
  repository: RepositoryName,
  digests: readonly Digest[],
  limit: number,
): Promise<Digest[]> {
  const rows = await database.all<{ digest: Digest }>(
    `SELECT DISTINCT value AS digest FROM json_each(?2)
     WHERE value NOT IN (
       SELECT digest FROM ${table}
       WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1)
         AND digest IN (SELECT value FROM json_each(?2)))
     LIMIT ?3`,
    repository,
    JSON.stringify(digests),
    limit,
  );
  return rows.map((row) => row.digest);
}
