import type { Digest } from '../../oci/digest.ts';
import type { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';
import { quotaRefusal } from './within-quota.ts';

/** What of a quota is to change; the rest stays. Null is as much as the namespace likes. */
export interface QuotaChange {
  bytes?: number | null | undefined;
  repositories?: number | null | undefined;
  warningPercent?: number | undefined;
}

/** What a namespace or a repository has. */
export interface Totals {
  bytes: number; // each content once
  repositories: number; // without deleted ones
}

/** The numbers that are kept, and those that a count of the rows gives. */
export interface Recount {
  kept: Totals;
  counted: Totals;
}

/** How many bytes a repository has, each content once, with what of it can be restored. */
export interface RepositoryUsage {
  name: RepositoryName;
  bytes: number;
}

interface RecountRow {
  keptBytes: number;
  keptRepositories: number;
  countedBytes: number;
  countedRepositories: number;
}

/** The content of the repositories that a query before it chooses, each once for a repository. */
const HELD = `held AS (
    SELECT id, links.digest, size FROM chosen
      JOIN repository_blobs AS links ON links.repository_id = id
      JOIN blobs ON blobs.digest = links.digest
    UNION SELECT id, digest, size FROM chosen JOIN manifests ON manifests.repository_id = id
    UNION SELECT id, digest, size FROM chosen
      JOIN deleted_manifests AS deleted ON deleted.repository_id = id
    UNION SELECT id, blob_digest, size FROM chosen
      JOIN deleted_manifest_blobs AS deleted ON deleted.repository_id = id
      JOIN blobs ON blobs.digest = blob_digest)`;

/**
 * How much namespaces have and may have. Triggers keep the numbers and refuse what goes beyond
 * (migrations/0006_quotas.sql); here they are set, read and counted again.
 */
export class QuotaMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Changes what a namespace may have; false when there is none. */
  set(name: string, change: QuotaChange, actor: Actor, entry: AuditEntry): Promise<boolean> {
    const changed = (field: keyof QuotaChange, column: string) =>
      `${column} = iif(json_type(?2, '$.${field}') IS NULL, ${column}, ?2 ->> '${field}')`;
    return runGuarded(this.#database, [
      guardFound('SELECT 1 FROM namespaces WHERE name = ?1', name),
      [
        `UPDATE namespaces SET ${changed('bytes', 'quota_bytes')},
           ${changed('repositories', 'quota_repositories')},
           ${changed('warningPercent', 'quota_warning')}
         WHERE name = ?1`,
        name,
        JSON.stringify(change),
      ],
      record(actor, entry),
    ]);
  }

  /**
   * Whether an upload of at least `size` bytes can be committed as things are: there is room for it, or
   * the namespace has the content already, which may be any as large while `digest` is null.
   */
  async hasRoom(namespace: string, size: number, digest: Digest | null): Promise<boolean> {
    const isThere = digest === null ? 'size >= ?2 AND ?3 IS NULL' : 'digest = ?3';
    const full = await this.#database.first(
      `SELECT 1 FROM namespaces WHERE name = ?1 AND used_bytes + ?2 > quota_bytes
         AND NOT EXISTS (SELECT 1 FROM namespace_content WHERE namespace = ?1 AND ${isThere})`,
      namespace,
      size,
      digest,
    );
    return full === null;
  }

  /** What to tell somebody whose bytes do not fit, with the numbers of now. */
  refusal(namespace: string): Promise<RegistryError> {
    return quotaRefusal(this.#database, namespace, 'QUOTA_OF_BYTES_EXCEEDED');
  }

  /** At most `limit` repositories of a namespace after `after`, by name, with their size. */
  repositories(namespace: string, after: string, limit: number): Promise<RepositoryUsage[]> {
    return this.#database.all<RepositoryUsage>(
      `WITH chosen AS (SELECT id, name FROM repositories
         WHERE namespace = ?1 AND name > ?2 AND deleted_at IS NULL ORDER BY name LIMIT ?3),
       ${HELD}
       SELECT name, coalesce(sum(size), 0) AS bytes FROM chosen LEFT JOIN held USING (id)
       GROUP BY id ORDER BY name`,
      namespace,
      after,
      limit,
    );
  }

  /** Counts a namespace from its rows; null when there is none. Reads all of them. */
  async recount(namespace: string): Promise<Recount | null> {
    const row = await this.#database.first<RecountRow>(
      `WITH chosen AS (SELECT id FROM repositories WHERE namespace = ?1), ${HELD}
       SELECT used_bytes AS keptBytes, repository_count AS keptRepositories,
         (SELECT coalesce(sum(size), 0) FROM (SELECT DISTINCT digest, size FROM held))
           AS countedBytes,
         (SELECT count(*) FROM repositories WHERE namespace = ?1 AND deleted_at IS NULL)
           AS countedRepositories
       FROM namespaces WHERE name = ?1`,
      namespace,
    );
    return row === null
      ? null
      : {
          kept: { bytes: row.keptBytes, repositories: row.keptRepositories },
          counted: { bytes: row.countedBytes, repositories: row.countedRepositories },
        };
  }
}
