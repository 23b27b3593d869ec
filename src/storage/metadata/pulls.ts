import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';

/** How often a tag or a digest of a repository was pulled, since it was last written down. */
export interface CountedPulls {
  repository: RepositoryName;
  reference: string; // a tag or a digest
  count: number;
  age: number; // seconds since the last of them
}

/** How often tags and manifests were pulled, and when last. */
export class PullMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds pulls to what is known, in one statement; what is not there any more is left out. Repeating
   * it counts twice.
   */
  async add(pulls: readonly CountedPulls[]): Promise<void> {
    await this.#database.all(
      `INSERT INTO pulls (repository_id, reference, count, last_pulled_at)
       SELECT repositories.id, counted.value ->> 'reference', counted.value ->> 'count',
         unixepoch() - (counted.value ->> 'age')
       FROM json_each(?1) AS counted
       JOIN repositories ON repositories.name = counted.value ->> 'repository'
       WHERE EXISTS (SELECT 1 FROM tags
           WHERE tags.repository_id = repositories.id
             AND tags.name = counted.value ->> 'reference')
         OR EXISTS (SELECT 1 FROM manifests
           WHERE manifests.repository_id = repositories.id
             AND manifests.digest = counted.value ->> 'reference')
       ON CONFLICT DO UPDATE SET count = count + excluded.count,
         last_pulled_at = max(last_pulled_at, excluded.last_pulled_at)`,
      JSON.stringify(pulls),
    );
  }
}
