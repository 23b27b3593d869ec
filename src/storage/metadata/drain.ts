import { COLLECTOR } from './collection.ts';
import { ConstraintError, type Database, type Statement } from './database.ts';
import { guardFound } from './guarded-batch.ts';
import type { Lifetimes } from './lifetimes.ts';
import { trashUnheldBlobs } from './trash.ts';

/** Tables without content, by the columns of their keys. */
const REMARKS = [
  ['collection_queue', 'kind, digest'],
  ['pulls', 'reference'],
  ['tag_history', 'name, id'],
] as const;

/** The place, in the batch that unlinks blobs, of the statement that returns those that go. */
const TRASHED = 3;

/** What became of the blobs of a repository. */
export interface TakenBlobs {
  isDone: boolean; // false when there are more
  blobs: number; // that went into the trash
  bytes: number; // of those
}

/**
 * Takes deleted repositories apart, whose time to be restored is over. Each operation is one batch of
 * bounded size that may be repeated, and cut off at any moment. It looks at the repository again, for
 * another run may have finished it, and SQLite gives the last id anew.
 */
export class DrainMetadata {
  readonly #database: Database;
  readonly #lifetimes: Lifetimes;

  constructor(database: Database, lifetimes: Lifetimes) {
    this.#database = database;
    this.#lifetimes = lifetimes;
  }

  /** The id of a repository whose time is over, or null. */
  async next(): Promise<number | null> {
    const row = await this.#database.first<{ id: number }>(
      'SELECT id FROM repositories WHERE expires_at <= unixepoch() ORDER BY expires_at LIMIT 1',
    );
    return row?.id ?? null;
  }

  /** How many repositories there are whose time is over, as far as `limit`. */
  async countDue(limit: number): Promise<number> {
    const row = await this.#database.first<{ count: number }>(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM repositories WHERE expires_at <= unixepoch() LIMIT ?1)`,
      limit,
    );
    return row?.count ?? 0;
  }

  /**
   * Deletes at most `limit` tags and as many manifests, indexes before what they name. What a trigger
   * keeps of a deleted manifest goes too. True when there are no more.
   */
  async takeManifests(id: number, limit: number): Promise<boolean> {
    const kept = `SELECT rowid FROM deleted_manifests WHERE repository_id = ?1
      ORDER BY digest LIMIT ${limit}`;
    const results = await this.#batch(id, [
      [
        `DELETE FROM tags WHERE repository_id = ?1 AND name IN (
           SELECT name FROM tags WHERE repository_id = ?1 ORDER BY name LIMIT ?2)`,
        id,
        limit,
      ],
      [
        `DELETE FROM manifests WHERE repository_id = ?1 AND digest IN (
           SELECT digest FROM manifests AS free WHERE repository_id = ?1
             AND NOT EXISTS (SELECT 1 FROM tags
               WHERE tags.repository_id = ?1 AND tags.digest = free.digest)
             AND NOT EXISTS (SELECT 1 FROM manifest_children AS parents
               WHERE parents.repository_id = ?1 AND parents.child_digest = free.digest)
           LIMIT ?2)`,
        id,
        limit,
      ],
      [
        `INSERT INTO trash (r2_key, delete_after)
         SELECT r2_key, unixepoch() + ?2 FROM deleted_manifests
         WHERE rowid IN (${kept}) AND r2_key IS NOT NULL
         ON CONFLICT DO NOTHING`,
        id,
        this.#lifetimes.trash,
      ],
      [`DELETE FROM deleted_manifests WHERE rowid IN (${kept})`, id],
      [
        `SELECT 1 WHERE EXISTS (SELECT 1 FROM tags WHERE repository_id = ?1)
           OR EXISTS (SELECT 1 FROM manifests WHERE repository_id = ?1)
           OR EXISTS (SELECT 1 FROM deleted_manifests WHERE repository_id = ?1)`,
        id,
      ],
    ]);
    return results === null || results.at(-1)?.length === 0;
  }

  /**
   * Unlinks at most `limit` blobs of a repository without manifests, and moves to the trash what nothing
   * else holds.
   */
  async takeBlobs(id: number, limit: number): Promise<TakenBlobs> {
    const rows = await this.#database.all<{ digest: string }>(
      `SELECT digest FROM repository_blobs WHERE repository_id = ?1
       UNION SELECT digest FROM collection_queue WHERE repository_id = ?1 AND kind = 'blob'
       ORDER BY digest LIMIT ?2`,
      id,
      limit,
    );
    const digests = JSON.stringify(rows.map((row) => row.digest));
    const list = '(SELECT value FROM json_each(?1))';
    const results = await this.#batch(id, [
      [`DELETE FROM repository_blobs WHERE repository_id = ?2 AND digest IN ${list}`, digests, id],
      ...trashUnheldBlobs(`digest IN ${list}`, digests, this.#lifetimes.trash),
      [
        `DELETE FROM collection_queue
         WHERE repository_id = ?2 AND kind = 'blob' AND digest IN ${list}`,
        digests,
        id,
      ],
    ]);
    const trashed = (results?.[TRASHED] ?? []) as { size: number }[];
    return {
      isDone: rows.length < limit,
      blobs: trashed.length,
      bytes: trashed.reduce((sum, { size }) => sum + size, 0),
    };
  }

  /**
   * Deletes at most `limit` of each of the remarks about an empty repository, and then the repository.
   * True when it is gone.
   */
  async takeRest(id: number, limit: number): Promise<boolean> {
    const isLeft = REMARKS.map(
      ([table]) => `EXISTS (SELECT 1 FROM ${table} WHERE repository_id = ?1)`,
    ).join(' OR ');
    const results = await this.#batch(id, [
      ...REMARKS.map(
        ([table, key]): Statement => [
          `DELETE FROM ${table} WHERE repository_id = ?1 AND (${key}) IN (
             SELECT ${key} FROM ${table} WHERE repository_id = ?1 LIMIT ?2)`,
          id,
          limit,
        ],
      ),
      [
        `INSERT INTO audit (event, principal, address, namespace, repository)
         SELECT 'repository.collect', ?2, ?3, namespace, substr(name, instr(name, '/') + 1)
         FROM repositories WHERE id = ?1 AND NOT (${isLeft})`,
        id,
        COLLECTOR.principal,
        COLLECTOR.address,
      ],
      [`DELETE FROM repositories WHERE id = ?1 AND NOT (${isLeft}) RETURNING id`, id],
    ]);
    return results === null || results.at(-1)?.length === 1;
  }

  /** Null, and nothing has changed, when the repository is gone. */
  async #batch(id: number, statements: readonly Statement[]): Promise<unknown[][] | null> {
    const guard = guardFound(
      `SELECT 1 FROM repositories WHERE id = ${id} AND expires_at <= unixepoch()`,
    );
    try {
      return await this.#database.batch([guard, ...statements]);
    } catch (error) {
      if (error instanceof ConstraintError && error.constraint === 'guard') {
        return null;
      }
      throw error;
    }
  }
}
