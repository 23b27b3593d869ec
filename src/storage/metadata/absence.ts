import type { Reference } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { isWhole } from './damage.ts';
import type { Database } from './database.ts';
import { IS_NEWEST } from './tag-history.ts';

/** Why a reference that names no manifest does not. */
export interface Absence {
  isDamaged: number; // 1 when it names one that is damaged in storage
  restorableUntil: number | null; // seconds since the epoch; of what was deleted, a tag's or a digest's
}

/** Why something is not there: for the answer that says so. */
export class AbsenceMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Null when there is no such repository. */
  ofManifest(repository: RepositoryName, reference: Reference): Promise<Absence | null> {
    const [tag, digest] =
      'tag' in reference ? [reference.tag, null] : [null, reference.digest as string];
    return this.#database.first<Absence>(
      `SELECT
         EXISTS (SELECT 1 FROM manifests
           WHERE manifests.repository_id = repositories.id AND NOT ${isWhole('manifests.r2_key')}
             AND manifests.digest = coalesce(?3, (SELECT tags.digest FROM tags
               WHERE tags.repository_id = repositories.id AND tags.name = ?2))) AS isDamaged,
         (SELECT expires_at FROM deleted_manifests AS deleted
          WHERE deleted.repository_id = repositories.id AND deleted.expires_at > unixepoch()
            AND deleted.digest = coalesce(?3, (SELECT previous FROM tag_history AS history
              WHERE history.repository_id = repositories.id AND history.name = ?2
                AND history.digest IS NULL AND ${IS_NEWEST}))) AS restorableUntil
       FROM repositories WHERE repositories.name = ?1`,
      repository,
      tag,
      digest,
    );
  }
}
