import type { Digest } from '../../oci/digest.ts';
import type { Database, Statement } from './database.ts';
import { TRASH_GRACE } from './lifetimes.ts';

/** Moves a blob that no repository sees any more into the trash: for the batch that unlinked it. */
export function trashUnlinkedBlob(digest: Digest): Statement[] {
  const isUnlinked = `digest = ?1
    AND NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository_blobs.digest = blobs.digest)`;
  return [
    [
      `INSERT INTO trash (r2_key, delete_after)
       SELECT r2_key, unixepoch() + ${TRASH_GRACE} FROM blobs WHERE ${isUnlinked}`,
      digest,
    ],
    [`DELETE FROM blobs WHERE ${isUnlinked}`, digest],
  ];
}

/** R2 keys that no row names any more. */
export class TrashMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` keys whose grace is over. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.#database.all<{ r2_key: string }>(
      'SELECT r2_key FROM trash WHERE delete_after <= unixepoch() ORDER BY delete_after LIMIT ?1',
      limit,
    );
    return rows.map((row) => row.r2_key);
  }

  /** Forgets keys whose objects are deleted. */
  async forget(keys: readonly string[]): Promise<void> {
    await this.#database.all(
      'DELETE FROM trash WHERE r2_key IN (SELECT value FROM json_each(?1))',
      JSON.stringify(keys),
    );
  }
}
