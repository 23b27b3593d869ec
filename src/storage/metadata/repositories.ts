import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';
import { withinQuota } from './within-quota.ts';

/** Which repositories to list: those after `last` that contain `term`, in certain namespaces. */
export interface RepositoryQuery {
  term: string; // '' for all
  last: string;
  namespaces: readonly string[] | null; // null for all
  limit: number;
}

/** Repositories: made by the first commit, mount or manifest. */
export class RepositoryMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit` names in byte order. */
  async list({ term, last, namespaces, limit }: RepositoryQuery): Promise<RepositoryName[]> {
    const rows = await this.#database.all<{ name: RepositoryName }>(
      `SELECT name FROM repositories
       WHERE name > ?1 AND instr(name, ?2) > 0 AND deleted_at IS NULL
         AND (?3 IS NULL OR namespace IN (SELECT value FROM json_each(?3)))
       ORDER BY name LIMIT ?4`,
      last,
      term,
      namespaces === null ? null : JSON.stringify(namespaces),
      limit,
    );
    return rows.map((row) => row.name);
  }

  /** At most `limit` names of a namespace after `last`, in byte order. */
  async ofNamespace(namespace: string, last: string, limit: number): Promise<RepositoryName[]> {
    const rows = await this.#database.all<{ name: RepositoryName }>(
      `SELECT name FROM repositories
       WHERE namespace = ?1 AND name > ?2 AND deleted_at IS NULL ORDER BY name LIMIT ?3`,
      namespace,
      last,
      limit,
    );
    return rows.map((row) => row.name);
  }

  /** Digests of the manifests that were pushed last, and names of tags: at most `limit` of each. */
  async newest(
    name: RepositoryName,
    limit: number,
  ): Promise<{ digests: string[]; tags: string[] }> {
    const rows = await this.#database.all<{ kind: 'digests' | 'tags'; name: string }>(
      `SELECT * FROM (
         SELECT 'digests' AS kind, digest AS name FROM manifests
         WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1)
         ORDER BY pushed_at DESC LIMIT ?2)
       UNION ALL SELECT * FROM (
         SELECT 'tags', name FROM tags
         WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1)
         ORDER BY updated_at DESC LIMIT ?2)`,
      name,
      limit,
    );
    const named = (kind: string) => rows.filter((row) => row.kind === kind).map((row) => row.name);
    return { digests: named('digests'), tags: named('tags') };
  }

  /**
   * Makes a repository; false when it is there already, or its namespace is not.
   *
   * @throws QUOTA_OF_REPOSITORIES_EXCEEDED
   */
  create(name: RepositoryName, actor: Actor): Promise<boolean> {
    const namespace = namespaceOf(name);
    return withinQuota(this.#database, namespace, () =>
      runGuarded(this.#database, [
        guardFound('SELECT 1 FROM namespaces WHERE name = ?1', namespace),
        guardFree('SELECT 1 FROM repositories WHERE name = ?1', name),
        ['INSERT INTO repositories (name, namespace) VALUES (?1, ?2)', name, namespace],
        record(actor, { event: 'repository.create', namespace, repository: name }),
      ]),
    );
  }
}
