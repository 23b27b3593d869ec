import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database } from './database.ts';

/** Repositories: made by the first commit, mount or manifest. */
export class RepositoryMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` names after `last` in byte order. */
  async list(last: string, limit: number): Promise<RepositoryName[]> {
    const rows = await this.#database.all<{ name: RepositoryName }>(
      'SELECT name FROM repositories WHERE name > ?1 ORDER BY name LIMIT ?2',
      last,
      limit,
    );
    return rows.map((row) => row.name);
  }

  /** At most `limit` names that contain `term`, in byte order. */
  async search(term: string, limit: number): Promise<RepositoryName[]> {
    const rows = await this.#database.all<{ name: RepositoryName }>(
      'SELECT name FROM repositories WHERE instr(name, ?1) > 0 ORDER BY name LIMIT ?2',
      term,
      limit,
    );
    return rows.map((row) => row.name);
  }
}
