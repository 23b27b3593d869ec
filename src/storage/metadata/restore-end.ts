import type { Digest } from '../../oci/digest.ts';
import type { Database } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';
import { RESTORE_JOB, type RestoreState, setPlaceOfEnd } from './restore-state.ts';
import { trashUnheldBlobs } from './trash.ts';

/** A private repository for what only deleted repositories had: their names cannot be pushed to. */
export const SPARE = 'edgewater-restore/deleted';

const SPARE_ID = `(SELECT id FROM repositories WHERE name = '${SPARE}' AND created_at >= ?1)`;

/** What is left to do when all rows are there. Every step may be repeated. */
export class RestoreEndMetadata {
  readonly #database: Database;
  readonly #grace: number;

  constructor(database: Database, { trash }: Lifetimes) {
    this.#database = database;
    this.#grace = trash;
  }

  /**
   * Takes away at most `limit` links of the spare repository that the restore has made, and with the last
   * one the repository, unless the backup has brought something into it. True when no more links are to go.
   */
  async takeSpare({ begunAt }: RestoreState, limit: number): Promise<boolean> {
    const some = `SELECT digest FROM repository_blobs AS links WHERE repository_id = ${SPARE_ID}
      AND NOT EXISTS (SELECT 1 FROM manifest_blobs AS named
        WHERE named.repository_id = links.repository_id AND blob_digest = links.digest)
      LIMIT ${limit}`;
    const isBare = `NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository_id = ${SPARE_ID})
      AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository_id = ${SPARE_ID})
      AND NOT EXISTS (SELECT 1 FROM deleted_manifests WHERE repository_id = ${SPARE_ID})
      AND NOT EXISTS (SELECT 1 FROM tag_history WHERE repository_id = ${SPARE_ID})
      AND NOT EXISTS (SELECT 1 FROM collection_queue WHERE repository_id = ${SPARE_ID})`;
    const named = 'SELECT 1 FROM repositories WHERE namespace = namespaces.name';
    const results = await this.#database.batch([
      [
        `DELETE FROM collection_queue WHERE kind = 'blob' AND repository_id = ${SPARE_ID}
           AND digest IN (${some})`,
        begunAt,
      ],
      [
        `DELETE FROM repository_blobs WHERE repository_id = ${SPARE_ID} AND digest IN (${some})
         RETURNING 1`,
        begunAt,
      ],
      [`DELETE FROM repositories WHERE id = ${SPARE_ID} AND ${isBare}`, begunAt],
      [
        `DELETE FROM namespaces WHERE name = '${SPARE.slice(0, SPARE.indexOf('/'))}'
           AND created_at >= ?1 AND NOT EXISTS (${named})`,
        begunAt,
      ],
    ]);
    return (results[1]?.length ?? 0) < limit;
  }

  /**
   * Moves those of the next `limit` blobs to the trash that nothing holds: each was deleted while the
   * backup was made. The state of the restore keeps the place. True when there are no more.
   */
  async trashUnheld(limit: number): Promise<boolean> {
    const rows = await this.#database.all<{ digest: Digest }>(
      `SELECT digest FROM blobs WHERE digest > coalesce(
         (SELECT state ->> 'endedTo' FROM progress WHERE job = '${RESTORE_JOB}'), '')
       ORDER BY digest LIMIT ?1`,
      limit,
    );
    const digests = JSON.stringify(rows.map(({ digest }) => digest));
    const condition = 'digest IN (SELECT value FROM json_each(?1))';
    await this.#database.batch([
      ...trashUnheldBlobs(condition, digests, this.#grace),
      setPlaceOfEnd(rows.at(-1)?.digest ?? null),
    ]);
    return rows.length < limit;
  }
}
