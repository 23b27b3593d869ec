import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Actor } from './audit.ts';
import type { Database } from './database.ts';
import type { RetentionPolicy } from './retention.ts';

/** Where the tags of a repository are. */
export interface RepositoryRow {
  id: number;
  name: RepositoryName;
}

/** A tag, as far as retention looks at it. Times are in seconds since the epoch. */
export interface TagRecord {
  name: Tag;
  digest: Digest;
  pushedAt: number;
  pulledAt: number | null; // by its name or its digest, whichever was later
  isImmutable: boolean;
}

/** A tag that goes, as it was when that was decided, and the rule that says so. */
export interface DoomedTag {
  name: Tag;
  digest: Digest;
  pushedAt: number;
  rule: string;
}

type TagRow = Omit<TagRecord, 'isImmutable'> & { isImmutable: number; now: number };

const RETENTION: Actor = { principal: 'retention', address: null };

/**
 * The tags of ?1 (JSON) in the repository ?2 that are as they were, if the policy ?3 is still ?4. With CROSS
 * JOIN SQLite takes the list first: it cannot know that the list is shorter than the repository.
 */
const DOOMED = `json_each(?1) AS doomed
  CROSS JOIN tags ON tags.repository_id = ?2 AND tags.name = doomed.value ->> 'name'
  WHERE tags.digest = doomed.value ->> 'digest' AND tags.updated_at = doomed.value ->> 'pushedAt'
    AND NOT EXISTS (SELECT 1 FROM immutable_tags AS kept
      WHERE kept.repository_id = tags.repository_id AND kept.name = tags.name)
    AND EXISTS (SELECT 1 FROM retention_policies
      WHERE namespace = ?3 AND revision = ?4 AND is_enabled = 1)`;

/** Tags, as retention looks at them and deletes them. */
export class RetentionTagMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` repositories of a namespace by name, from `first` on. */
  repositories(namespace: string, first: string, limit: number): Promise<RepositoryRow[]> {
    return this.#database.all<RepositoryRow>(
      `SELECT id, name FROM repositories
       WHERE namespace = ?1 AND name >= ?2 AND deleted_at IS NULL ORDER BY name LIMIT ?3`,
      namespace,
      first,
      limit,
    );
  }

  /** At most `limit` tags of a repository after `after` by name, and what time it is. */
  async tags(
    repositoryId: number,
    after: string,
    limit: number,
  ): Promise<{ tags: TagRecord[]; now: number }> {
    const rows = await this.#database.all<TagRow>(
      `SELECT tags.name, tags.digest, tags.updated_at AS pushedAt, unixepoch() AS now,
         nullif(max(coalesce(by_name.last_pulled_at, 0), coalesce(by_digest.last_pulled_at, 0)), 0)
           AS pulledAt,
         EXISTS (SELECT 1 FROM immutable_tags AS kept
           WHERE kept.repository_id = tags.repository_id AND kept.name = tags.name) AS isImmutable
       FROM tags
       LEFT JOIN pulls AS by_name
         ON by_name.repository_id = tags.repository_id AND by_name.reference = tags.name
       LEFT JOIN pulls AS by_digest
         ON by_digest.repository_id = tags.repository_id AND by_digest.reference = tags.digest
       WHERE tags.repository_id = ?1 AND tags.name > ?2 ORDER BY tags.name LIMIT ?3`,
      repositoryId,
      after,
      limit,
    );
    const tags = rows.map(({ now, ...row }) => ({ ...row, isImmutable: row.isImmutable === 1 }));
    return { tags, now: rows[0]?.now ?? 0 };
  }

  /**
   * Deletes those tags that are still as they were when that was decided: not moved, not pushed again,
   * not immutable, and by the rules that are set.
   *
   * @returns the tags that it deleted
   */
  async deleteTags(
    { namespace, revision }: RetentionPolicy,
    { id, name }: RepositoryRow,
    doomed: readonly DoomedTag[],
  ): Promise<Tag[]> {
    const parameters = [JSON.stringify(doomed), id, namespace, revision] as const;
    const [, deleted = []] = await this.#database.batch([
      [
        `INSERT INTO audit
           (event, principal, address, namespace, repository, target, before, after, reason)
         SELECT 'tag.delete', ?5, ?6, ?3, ?7, tags.name, tags.digest, NULL, doomed.value ->> 'rule'
         FROM ${DOOMED}`,
        ...parameters,
        RETENTION.principal,
        RETENTION.address,
        name,
      ],
      [
        `DELETE FROM tags WHERE repository_id = ?2 AND name IN (SELECT tags.name FROM ${DOOMED})
         RETURNING name`,
        ...parameters,
      ],
    ]);
    return (deleted as { name: Tag }[]).map(({ name }) => name);
  }
}
