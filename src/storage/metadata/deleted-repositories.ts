import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';
import { withinQuota } from './within-quota.ts';

/** A repository that was deleted and can be restored. */
export interface DeletedRepository {
  id: number;
  name: RepositoryName; // that it had
  deletedAt: number; // seconds since the epoch
  restorableUntil: number; // seconds since the epoch
}

/** What the name of a deleted repository was. */
export const FORMER_NAME = `substr(name, instr(name, '/') + 1)`;

const COLUMNS = `id, ${FORMER_NAME} AS name, deleted_at AS deletedAt, expires_at AS restorableUntil`;

const IS_RESTORABLE = 'deleted_at IS NOT NULL AND expires_at > unixepoch()';

/**
 * Deleted repositories: rows whose name nobody can ask for, "!<id>/" before what it was. So no query by
 * name finds them, and a push to the name makes a new one.
 */
export class DeletedRepositoryMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Deletes a repository; false when there is none. */
  delete(name: RepositoryName, actor: Actor): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound('SELECT 1 FROM repositories WHERE name = ?1', name),
      record(actor, entryOf('repository.delete', name)),
      [
        `UPDATE repositories SET name = '!' || id || '/' || name, deleted_at = unixepoch(),
           expires_at = unixepoch() + 86400 * (
             SELECT restore_days FROM namespaces WHERE namespaces.name = repositories.namespace)
         WHERE name = ?1`,
        name,
      ],
    ]);
  }

  /** At most `limit` of a namespace, after the one with the id `after`. */
  list(namespace: string, after: number, limit: number): Promise<DeletedRepository[]> {
    return this.#database.all<DeletedRepository>(
      `SELECT ${COLUMNS} FROM repositories
       WHERE namespace = ?1 AND id > ?2 AND ${IS_RESTORABLE} ORDER BY id LIMIT ?3`,
      namespace,
      after,
      limit,
    );
  }

  find(namespace: string, id: number): Promise<DeletedRepository | null> {
    return this.#database.first<DeletedRepository>(
      `SELECT ${COLUMNS} FROM repositories WHERE namespace = ?1 AND id = ?2 AND ${IS_RESTORABLE}`,
      namespace,
      id,
    );
  }

  /**
   * Gives a repository its name back; false when another has it now, or it cannot be restored.
   *
   * @throws QUOTA_OF_REPOSITORIES_EXCEEDED
   */
  restore({ id, name }: DeletedRepository, actor: Actor): Promise<boolean> {
    return withinQuota(this.#database, namespaceOf(name), () =>
      runGuarded(this.#database, [
        guardRestorable(id, name),
        guardFree('SELECT 1 FROM repositories WHERE name = ?1', name),
        [
          'UPDATE repositories SET name = ?1, deleted_at = NULL, expires_at = NULL WHERE id = ?2',
          name,
          id,
        ],
        record(actor, entryOf('repository.restore', name)),
      ]),
    );
  }

  /** Lets the collector have a repository now; false when it cannot be restored any more. */
  purge({ id, name }: DeletedRepository, actor: Actor): Promise<boolean> {
    return runGuarded(this.#database, [
      guardRestorable(id, name),
      ['UPDATE repositories SET expires_at = unixepoch() WHERE id = ?1', id],
      record(actor, entryOf('repository.purge', name)),
    ]);
  }

  /** When the last deleted repository of a namespace that holds no other goes; null if it holds some. */
  async lastEnd(namespace: string): Promise<number | null> {
    const row = await this.#database.first<{ end: number | null }>(
      `SELECT CASE WHEN count(*) = count(deleted_at) THEN max(expires_at) END AS end
       FROM repositories WHERE namespace = ?1`,
      namespace,
    );
    return row?.end ?? null;
  }
}

/** SQLite gives the last id anew: only with its name it is the same repository. */
function guardRestorable(id: number, name: RepositoryName): Statement {
  return guardFound(
    `SELECT 1 FROM repositories WHERE name = ?1 AND ${IS_RESTORABLE}`,
    `!${id}/${name}`,
  );
}

function entryOf(event: string, repository: RepositoryName): AuditEntry {
  return { event, namespace: namespaceOf(repository), repository };
}
