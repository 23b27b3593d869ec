import type { Digest } from '../../oci/digest.ts';
import { type Actor, record } from './audit.ts';
import { type BackupRow, DERIVED, type ExportedTable } from './backup-tables.ts';
import type { Database } from './database.ts';
import type { ProgressMetadata } from './progress.ts';
import { insertAudit, insertRows, refusedOf } from './restore-rows.ts';
import { readTableSchema } from './table-schema.ts';

/** A restore that has begun. */
export interface RestoreState {
  backup: string; // its id
  audit: number; // the id of the entry that notes the beginning
  isDone: boolean;
}

const JOB = 'restore';

/** A restore that nobody went on with for so long does not keep the collector from its work any more. */
const PATIENCE = 2 * 24 * 60 * 60; // seconds

/** The database refused a row: it is not as a row of its table has to be. */
export class InvalidRowError extends Error {
  override readonly name = 'InvalidRowError';
}

/** Puts rows of a backup back. Every step may be repeated. */
export class RestoreMetadata {
  readonly #database: Database;
  readonly #progress: ProgressMetadata;

  constructor(database: Database, progress: ProgressMetadata) {
    this.#database = database;
    this.#progress = progress;
  }

  /** The restore that was begun last, or null. */
  find(): Promise<RestoreState | null> {
    return this.#progress.find<RestoreState>(JOB);
  }

  /** Whether somebody is restoring now: then much is there that nothing holds yet. */
  async isUnderWay(): Promise<boolean> {
    const row = await this.#database.first(
      `SELECT 1 FROM progress WHERE job = ?1 AND NOT state ->> 'isDone'
         AND updated_at > unixepoch() - ?2`,
      JOB,
      PATIENCE,
    );
    return row !== null;
  }

  /** Whether nobody has made anything here. */
  async isEmpty(): Promise<boolean> {
    const found = await this.#database.first(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM repositories) OR EXISTS (SELECT 1 FROM users)
         OR EXISTS (SELECT 1 FROM namespaces)`,
    );
    return found === null;
  }

  /** Begins a restore. Entries of the audit log from now on come after `lastAudit`, those of the backup. */
  async begin(backup: string, lastAudit: number, actor: Actor): Promise<void> {
    await this.#database.batch([
      [
        `INSERT INTO audit (id, event, principal, address, target)
         SELECT max(coalesce(max(id), 0), ?1) + 1, 'restore.begin', ?2, ?3, ?4 FROM audit`,
        lastAudit,
        actor.principal,
        actor.address,
        backup,
      ],
      [
        `INSERT INTO progress (job, state)
         SELECT ?1, json_object('backup', ?2, 'audit', max(id), 'isDone', json('false')) FROM audit
         WHERE true
         ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
        JOB,
        backup,
      ],
    ]);
  }

  /** Says that the restore goes on: for {@link isUnderWay}. */
  async goOn(state: RestoreState): Promise<void> {
    await this.#progress.save(JOB, state);
  }

  async end(state: RestoreState, actor: Actor): Promise<void> {
    await this.#database.batch([record(actor, { event: 'restore.end', target: state.backup })]);
    await this.#progress.save(JOB, { ...state, isDone: true });
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
   * Adds rows, all with the same columns, that are not there. Those stay away that refer to something
   * which is not there, or not yet.
   *
   * @returns the places of those in `rows`
   * @throws InvalidRowError, and nothing has changed
   */
  async insert(
    table: ExportedTable,
    rows: readonly BackupRow[],
    state: RestoreState,
  ): Promise<number[]> {
    const schema = await readTableSchema(this.#database, table);
    const left = DERIVED[table] ?? [];
    const columns = schema.columns.filter(
      (column) => rows[0] !== undefined && column in rows[0] && !left.includes(column),
    );
    try {
      if (table === 'audit') {
        await this.#database.batch([insertAudit(columns, rows, state.audit)]);
        return [];
      }
      const statements = await insertRows(this.#database, table, schema, columns, rows);
      const results = await this.#database.batch([...statements, refusedOf(table, schema, rows)]);
      return (results.at(-1) as { place: number }[]).map(({ place }) => place);
    } catch (error) {
      if (/SQLITE_(?:ERROR|CONSTRAINT|TOOBIG|MISMATCH)/.test(String(error))) {
        throw new InvalidRowError(String(error));
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

  /** Columns of rows that the table does not have. */
  async unknownColumns(
    table: ExportedTable,
    row: BackupRow,
    lists: readonly string[],
  ): Promise<string[]> {
    const { columns } = await readTableSchema(this.#database, table);
    return Object.keys(row).filter((name) => !columns.includes(name) && !lists.includes(name));
  }
}
