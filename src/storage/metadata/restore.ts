import type { Digest } from '../../oci/digest.ts';
import { type BackupRow, DERIVED, EDGES, type ExportedTable } from './backup-tables.ts';
import { ConstraintError, type Database } from './database.ts';
import { insertAudit, insertRows, refusedOf, shiftIds } from './restore-rows.ts';
import { guardPhase, type RestoreState, setPlaceOfEnd } from './restore-state.ts';
import { readTableSchema, type TableSchema } from './table-schema.ts';

/** The database refused a row: it is not as a row of its table has to be. */
export class InvalidRowError extends Error {
  override readonly name = 'InvalidRowError';
}

/** Puts rows of a backup back. Every step may be repeated. */
export class RestoreMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The keys in R2 of those blobs that have a row. */
  async blobKeys(digests: readonly Digest[]): Promise<Map<string, string>> {
    const rows = await this.#database.all<{ digest: string; r2_key: string }>(
      `SELECT digest, r2_key FROM blobs WHERE digest IN (SELECT value FROM json_each(?1))`,
      JSON.stringify(digests),
    );
    return new Map(rows.map(({ digest, r2_key }) => [digest, r2_key]));
  }

  /** Whether a table of manifests has one already. */
  async hasManifest(table: ExportedTable, { repository_id, digest }: BackupRow): Promise<boolean> {
    const row = await this.#database.first(
      `SELECT 1 FROM ${table} WHERE repository_id = ?1 AND digest = ?2`,
      Number(repository_id),
      String(digest),
    );
    return row !== null;
  }

  /**
   * Adds rows that are not there. Those stay away that refer to something which is not there, or not yet.
   *
   * @returns the places of those in `backedUp`; null, and nothing has changed, when the restore is not open
   *   any more
   * @throws InvalidRowError, and nothing has changed
   */
  async insert(
    table: ExportedTable,
    backedUp: readonly BackupRow[],
    state: RestoreState,
  ): Promise<number[] | null> {
    const rows = shiftIds(table, backedUp, state);
    const schema = await readTableSchema(this.#database, table);
    const left = DERIVED[table] ?? [];
    const columns = schema.columns.filter(
      (column) => rows[0] !== undefined && column in rows[0] && !left.includes(column),
    );
    const guard = guardPhase(state, 'open');
    try {
      if (table === 'audit') {
        await this.#database.batch([guard, insertAudit(columns, rows)]);
        return [];
      }
      const statements = await insertRows(this.#database, table, schema, columns, rows);
      const refused = refusedOf(table, schema, rows);
      const again = table === 'blobs' ? [setPlaceOfEnd(null)] : [];
      const results = await this.#database.batch([guard, ...again, ...statements, refused]);
      return (results.at(-1) as { place: number }[]).map(({ place }) => place);
    } catch (error) {
      if (error instanceof ConstraintError && error.constraint === 'guard') {
        return null;
      }
      if (
        error instanceof ConstraintError ||
        /SQLITE_(?:ERROR|CONSTRAINT|TOOBIG|MISMATCH)/.test(String(error))
      ) {
        throw new InvalidRowError(reasonOf(error));
      }
      throw error;
    }
  }

  /** Announces that the body of a manifest will be at `key`, as an upload announces its own. */
  async announce(key: string, lifetime: number): Promise<void> {
    await this.#database.all(
      `INSERT INTO uploads (id, repository, r2_key, expires_at)
       VALUES (?1, '', ?1, unixepoch() + ?2)`,
      key,
      lifetime,
    );
  }

  /** Consumes what {@link announce} made, of those keys that a row of the table names. */
  async settle(table: ExportedTable, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) {
      return;
    }
    await this.#database.all(
      `DELETE FROM uploads WHERE r2_key IN (SELECT value FROM json_each(?1))
         AND EXISTS (SELECT 1 FROM ${table} WHERE ${table}.r2_key = uploads.r2_key)`,
      JSON.stringify(keys),
    );
  }

  /** Looks whether rows have the columns of the table, each its type. @throws InvalidRowError */
  async check(table: ExportedTable, rows: readonly BackupRow[]): Promise<void> {
    const schema = await readTableSchema(this.#database, table);
    const lists = (EDGES[table] ?? []).map(({ field }) => field);
    const names = Object.keys(rows[0] ?? {});
    const lacking = schema.key.find((column) => !names.includes(column));
    if (lacking !== undefined) {
      throw new InvalidRowError(`it lacks ${lacking}, which is of its key`);
    }
    for (const row of rows) {
      if (Object.keys(row).length !== names.length || !names.every((name) => name in row)) {
        throw new InvalidRowError('rows that are sent together have the same columns');
      }
      for (const [column, value] of Object.entries(row)) {
        if (!(lists.includes(column) ? Array.isArray(value) : fits(schema, column, value))) {
          throw new InvalidRowError(`${column} cannot be ${JSON.stringify(value).slice(0, 100)}`);
        }
      }
    }
  }
}

/** What the database said, without the statement, which is no business of whoever reads the answer. */
function reasonOf(error: unknown): string {
  const failed = /[A-Z ]+ constraint failed(?:: [\w., ]*\w)?/.exec(String(error))?.[0];
  return failed?.trim() ?? 'the database cannot keep it';
}

/** Whether the database keeps a value as it is in a column: it has to have the type, and no other. */
function fits({ types }: TableSchema, column: string, value: BackupRow[string]): boolean {
  return (
    types[column] !== undefined &&
    (value === null ||
      (types[column] === 'INTEGER'
        ? Number.isSafeInteger(value)
        : typeof value === 'string' && value.isWellFormed() && !value.includes('\0')))
  );
}
