import type { Digest } from '../oci/digest.ts';
import { tagsAbout } from './choose-tags.ts';

export const FINISHED_SCHEMA = `
  CREATE TABLE IF NOT EXISTS finished (
    list_id INTEGER NOT NULL,
    digest  TEXT NOT NULL,
    PRIMARY KEY (list_id, digest)
  ) WITHOUT ROWID`;

/** What is in the target of what a tag names, from turn to turn: blobs, and manifests with all that belongs to them. */
export class Finished {
  readonly #sql: SqlStorage;
  readonly #tagId: number;
  readonly #listId: number;

  constructor(sql: SqlStorage, tag: { id: number; listId: number }) {
    this.#sql = sql;
    this.#tagId = tag.id;
    this.#listId = tag.listId;
  }

  has(digest: Digest): boolean {
    const query = 'SELECT 1 FROM finished WHERE list_id = ? AND digest = ?';
    return this.#sql.exec(query, this.#listId, digest).toArray().length > 0;
  }

  addBlob(digest: Digest): void {
    const insert = 'INSERT INTO finished (list_id, digest) VALUES (?, ?) ON CONFLICT DO NOTHING';
    this.#sql.exec(insert, this.#listId, digest);
  }

  /** Has the tags copied too that are about the manifest: signatures and the like. */
  addManifest(digest: Digest): void {
    this.addBlob(digest);
    this.#sql.exec('UPDATE tags SET manifests = manifests + 1 WHERE id = ?', this.#tagId);
    this.#sql.exec(
      `UPDATE tags SET state = 'waiting' WHERE state = 'attached' AND list_id = ?
         AND name IN (SELECT value FROM json_each(?))`,
      this.#listId,
      JSON.stringify(tagsAbout(digest)),
    );
  }

  /** Something is not there any more: all of it is looked at again. */
  forget(): void {
    this.#sql.exec('DELETE FROM finished WHERE list_id = ?', this.#listId);
  }
}
