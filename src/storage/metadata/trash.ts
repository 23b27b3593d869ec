import type { Digest } from '../../oci/digest.ts';
import type { Database, Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';

/**
 * Moves a blob that nothing holds any more into the trash, for `grace` seconds: for the batch that
 * unlinked it.
 */
export function trashUnlinkedBlob(digest: Digest, grace: number): Statement[] {
  return trashUnheldBlobs('digest = ?1', digest, grace);
}

/**
 * As {@link trashUnlinkedBlob}, those that `condition` names with ?1. The second statement returns the
 * size of each.
 */
export function trashUnheldBlobs(condition: string, parameter: string, grace: number): Statement[] {
  const isUnheld = `${condition}
    AND NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository_blobs.digest = blobs.digest)
    AND NOT EXISTS (SELECT 1 FROM deleted_manifest_blobs WHERE blob_digest = blobs.digest)`;
  return [
    [
      `INSERT INTO trash (r2_key, delete_after)
       SELECT r2_key, unixepoch() + ?2 FROM blobs WHERE ${isUnheld}`,
      parameter,
      grace,
    ],
    [`DELETE FROM blobs WHERE ${isUnheld} RETURNING size`, parameter],
  ];
}

/** R2 keys that no row names any more. */
export class TrashMetadata {
  readonly #database: Database;
  readonly #grace: number;

  constructor(database: Database, { trash }: Lifetimes) {
    this.#database = database;
    this.#grace = trash;
  }

  /** At most `limit` keys whose grace is over. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.#database.all<{ r2_key: string }>(dueTrash('r2_key'), limit);
    return rows.map((row) => row.r2_key);
  }

  /** How many keys {@link due} would answer. */
  async countDue(limit: number): Promise<number> {
    const row = await this.#database.first<{ count: number }>(
      `SELECT count(*) AS count FROM (${dueTrash('1')})`,
      limit,
    );
    return row?.count ?? 0;
  }

  /**
   * Moves those of `keys` to the trash that no row names: objects whose writer crashed before it could
   * say what they are. How many.
   */
  async addOrphans(keys: readonly string[]): Promise<number> {
    const added = await this.#database.all(
      `INSERT INTO trash (r2_key, delete_after)
       SELECT value, unixepoch() + ?2 FROM json_each(?1) WHERE NOT ${isNamed('value')}
       RETURNING r2_key`,
      JSON.stringify(keys),
      this.#grace,
    );
    return added.length;
  }

  /** Those of `keys` that no row names. */
  async unnamed(keys: readonly string[]): Promise<string[]> {
    const rows = await this.#database.all<{ key: string }>(
      `SELECT value AS key FROM json_each(?1) WHERE NOT ${isNamed('value')}`,
      JSON.stringify(keys),
    );
    return rows.map(({ key }) => key);
  }

  /** Forgets keys whose objects are deleted. */
  async forget(keys: readonly string[]): Promise<void> {
    await this.#database.all(
      'DELETE FROM trash WHERE r2_key IN (SELECT value FROM json_each(?1))',
      JSON.stringify(keys),
    );
  }
}

const NAMING_TABLES = ['blobs', 'manifests', 'deleted_manifests', 'uploads', 'trash'] as const;

/** Keys whose grace is over, at most ?1. */
function dueTrash(columns: string): string {
  return `SELECT ${columns} FROM trash
    WHERE delete_after <= unixepoch() AND NOT ${isNamed('trash.r2_key', ['trash'])}
    ORDER BY delete_after LIMIT ?1`;
}

/** The condition that a row of some table, but not of those left out, names a key. */
function isNamed(key: string, leftOut: readonly string[] = []): string {
  const tables = NAMING_TABLES.filter((table) => !leftOut.includes(table));
  const named = tables.map(
    (table) => `EXISTS (SELECT 1 FROM ${table} WHERE ${table}.r2_key = ${key})`,
  );
  return `(${named.join(' OR ')})`;
}
