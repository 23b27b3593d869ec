import { namespaceOf, type RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';
import { HAS_ROOM, insertTransfer, type TransferOptions } from './transfers.ts';
import { SYSTEM_ADMIN } from './users.ts';

/** A copy that is made again and again. */
export interface ReplicationSettings {
  name: string;
  principal: string; // who set it
  source: RepositoryName;
  target: RepositoryName;
  options: TransferOptions;
  everyMinutes: number;
  isEnabled: boolean;
}

/** As it is stored. */
export interface ReplicationRecord extends ReplicationSettings {
  nextRunAt: number; // seconds since the epoch
  lastTransfer: string | null; // its id
  lastState: string | null; // of that; null when it is forgotten
}

type Row = Omit<ReplicationRecord, 'options' | 'isEnabled'> & {
  options: string;
  isEnabled: number;
};

const SELECT = `SELECT name, replications.principal, replications.source, replications.target,
    replications.options, every_minutes AS everyMinutes, is_enabled AS isEnabled,
    next_run_at AS nextRunAt, last_transfer AS lastTransfer, transfers.state AS lastState
  FROM replications LEFT JOIN transfers ON transfers.id = last_transfer`;

const MAX_REPLICATIONS = 500;

/** So many are started by one run of the clock. */
const MAX_STARTED = 20;

/** So many transfers of one are kept, besides the one that is running. */
const KEPT = 10;

/** True of a replication that was set by somebody who administers the system, as that takes. */
const IS_ALLOWED = `(replications.principal = '${SYSTEM_ADMIN}' OR EXISTS (SELECT 1 FROM users
  WHERE users.name = replications.principal AND is_admin AND disabled_at IS NULL))`;

const IS_DUE = 'is_enabled AND next_run_at <= unixepoch()';

/** Copies that are made again and again. */
export class ReplicationMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(name: string): Promise<ReplicationRecord | null> {
    const row = await this.#database.first<Row>(`${SELECT} WHERE name = ?1`, name);
    return row === null ? null : toRecord(row);
  }

  /** All of them, by name. */
  async list(): Promise<ReplicationRecord[]> {
    const rows = await this.#database.all<Row>(`${SELECT} ORDER BY name LIMIT ${MAX_REPLICATIONS}`);
    return rows.map(toRecord);
  }

  /** Adds or changes one, whose next run is due at once; false when there are too many. */
  put(replication: ReplicationSettings, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(
        `SELECT 1 WHERE (SELECT count(*) FROM replications WHERE name <> ?1) < ${MAX_REPLICATIONS}`,
        replication.name,
      ),
      [
        `INSERT INTO replications (name, principal, source, target, options, every_minutes, is_enabled)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (name) DO UPDATE SET principal = excluded.principal, source = excluded.source,
           target = excluded.target, options = excluded.options,
           every_minutes = excluded.every_minutes, is_enabled = excluded.is_enabled,
           next_run_at = excluded.next_run_at`,
        replication.name,
        replication.principal,
        replication.source,
        replication.target,
        JSON.stringify(replication.options),
        replication.everyMinutes,
        Number(replication.isEnabled),
      ],
      record(actor, entry),
    ]);
  }

  /** False when there is none. */
  delete(name: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound('SELECT 1 FROM replications WHERE name = ?1', name),
      ['DELETE FROM replications WHERE name = ?1', name],
      record(actor, entry),
    ]);
  }

  /** Those whose time has come, and whose last transfer is not running any more. */
  async due(): Promise<ReplicationRecord[]> {
    const rows = await this.#database.all<Row>(
      `${SELECT} WHERE ${IS_DUE} AND transfers.state IS NOT 'running' ORDER BY next_run_at LIMIT ${MAX_STARTED}`,
    );
    return rows.map(toRecord);
  }

  /** Those whose time has come, and which were set by somebody who administers the system no more. */
  async orphaned(): Promise<ReplicationRecord[]> {
    const rows = await this.#database.all<Row>(
      `${SELECT} WHERE ${IS_DUE} AND NOT ${IS_ALLOWED} ORDER BY next_run_at LIMIT ${MAX_STARTED}`,
    );
    return rows.map(toRecord);
  }

  /** Has one of them run no more; false when it was set anew, or is gone. */
  disable(name: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(
        `SELECT 1 FROM replications WHERE name = ?1 AND is_enabled AND NOT ${IS_ALLOWED}`,
        name,
      ),
      ['UPDATE replications SET is_enabled = 0 WHERE name = ?1', name],
      record(actor, entry),
    ]);
  }

  /**
   * Adds the next transfer of a replication, and notes when the one after that is due: false when its last
   * one is running, it is gone, who set it may not any more, or too many transfers are running.
   */
  start(
    { name, principal, source, target, options }: ReplicationRecord,
    id: string,
    actor: Actor,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(HAS_ROOM),
      guardFound(
        `SELECT 1 FROM replications LEFT JOIN transfers ON transfers.id = last_transfer
         WHERE name = ?1 AND transfers.state IS NOT 'running' AND ${IS_ALLOWED}`,
        name,
      ),
      [
        `DELETE FROM transfers WHERE replication = ?1 AND number <= (SELECT number FROM transfers
           WHERE replication = ?1 ORDER BY number DESC LIMIT 1 OFFSET ${KEPT})`,
        name,
      ],
      insertTransfer({ id, principal, source, target, options }, name),
      [
        `UPDATE replications SET last_transfer = ?2, next_run_at = unixepoch() + every_minutes * 60
         WHERE name = ?1`,
        name,
        id,
      ],
      record(actor, {
        event: 'replication.run',
        namespace: namespaceOf(options.isPush ? source : target),
        target: name,
        after: id,
      }),
    ]);
  }
}

function toRecord({ options, isEnabled, ...row }: Row): ReplicationRecord {
  return { ...row, options: JSON.parse(options), isEnabled: isEnabled === 1 };
}
