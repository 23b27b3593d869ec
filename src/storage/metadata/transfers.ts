import type { Tag } from '../../oci/reference.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';

/** What a transfer copies. */
export interface TransferOptions {
  isPush: boolean; // from our own repositories to another registry, rather than from there
  isPrefix: boolean; // every repository below the source, rather than the source itself
  tag: Tag | null; // this one and no other
  toTag: Tag | null; // what that is called in the target
  tags: readonly string[]; // globs; none for all
  exclude: readonly string[]; // globs
  withReferrers: boolean; // signatures, SBOMs and the like too
}

/** How far a transfer is. */
export interface TransferProgress {
  repositories: number; // that were found so far
  copied: number; // tags
  present: number; // tags that named the same before
  failed: number; // tags, and repositories that could not be listed
  waiting: number; // tags, and lists that are not read to their end
  bytes: number; // of content that was copied
  /** When it goes on, in seconds since the epoch, and why not before; null while it is at work. */
  pausedUntil: number | null;
  pausedBecause: string | null;
  failures: readonly TransferFailure[]; // the first of them
}

/** Something that could not be copied. */
export interface TransferFailure {
  repository: string; // in the source
  tag: string | null; // null: the tags of the repository could not be listed
  reason: string;
}

/** A copy between another registry and our own. Times are in seconds since the epoch. */
export interface TransferRecord {
  number: number;
  id: string;
  principal: string;
  source: RepositoryName;
  target: RepositoryName;
  options: TransferOptions;
  state: 'running' | 'done' | 'failed' | 'canceled';
  progress: TransferProgress;
  createdAt: number;
  updatedAt: number;
  finishedAt: number | null;
}

export type NewTransfer = Pick<
  TransferRecord,
  'id' | 'principal' | 'source' | 'target' | 'options'
>;

const COLUMNS = `number, id, principal, source, target, options, state, progress,
  created_at AS createdAt, updated_at AS updatedAt, finished_at AS finishedAt`;

type Row = Omit<TransferRecord, 'options' | 'progress'> & { options: string; progress: string };

/** So many may be at work; each asks its upstream for a few things at a time. */
export const MAX_RUNNING = 50;

/** So many of somebody who does not administer the system. */
export const MAX_OWN = 5;

const LIFETIME = 90 * 24 * 60 * 60; // seconds

const IS_RUNNING = `SELECT 1 FROM transfers WHERE id = ?1 AND state = 'running'`;

const NOTHING: TransferProgress = {
  repositories: 0,
  copied: 0,
  present: 0,
  failed: 0,
  waiting: 0,
  bytes: 0,
  pausedUntil: null,
  pausedBecause: null,
  failures: [],
};

/** True where another transfer may run. */
export const HAS_ROOM = `SELECT 1
  WHERE ${MAX_RUNNING} > (SELECT count(*) FROM transfers WHERE state = 'running')`;

/** True where another transfer of the principal ?1 may run, who does not administer the system. */
const HAS_OWN_ROOM = `SELECT 1 WHERE ${MAX_OWN} >
  (SELECT count(*) FROM transfers WHERE state = 'running' AND +principal = ?1)`;

/** Adds a transfer that is running, of a replication or of none: for its batch. */
export function insertTransfer(transfer: NewTransfer, replication: string | null): Statement {
  return [
    `INSERT INTO transfers (id, principal, source, target, options, progress, replication)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    transfer.id,
    transfer.principal,
    transfer.source,
    transfer.target,
    JSON.stringify(transfer.options),
    JSON.stringify({ ...NOTHING, waiting: 1 }),
    replication,
  ];
}

/** Copies between other registries and our own. */
export class TransferMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(id: string): Promise<TransferRecord | null> {
    const row = await this.#database.first<Row>(
      `SELECT ${COLUMNS} FROM transfers WHERE id = ?1`,
      id,
    );
    return row === null ? null : toRecord(row);
  }

  /** At most `limit` with smaller numbers than `before`, the newest first: all, or one principal's. */
  async list(principal: string | null, before: number, limit: number): Promise<TransferRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM transfers WHERE number < ?2 AND (?1 IS NULL OR principal = ?1)
       ORDER BY number DESC LIMIT ?3`,
      principal,
      before,
      limit,
    );
    return rows.map(toRecord);
  }

  /** Adds a transfer; false when {@link MAX_RUNNING} are at work, or {@link MAX_OWN} where that counts. */
  create(
    transfer: NewTransfer,
    isOfAdmin: boolean,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(HAS_ROOM),
      ...(isOfAdmin ? [] : [guardFound(HAS_OWN_ROOM, transfer.principal)]),
      insertTransfer(transfer, null),
      record(actor, entry),
    ]);
  }

  /** Notes how far a running transfer is. */
  async save(id: string, progress: TransferProgress): Promise<void> {
    await this.#database.all(
      `UPDATE transfers SET progress = ?2, updated_at = unixepoch()
       WHERE id = ?1 AND state = 'running'`,
      id,
      JSON.stringify(progress),
    );
  }

  /** Ends a running transfer; false when it is not running any more. */
  end(
    id: string,
    state: Exclude<TransferRecord['state'], 'running'>,
    progress: TransferProgress,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(IS_RUNNING, id),
      [
        `UPDATE transfers SET state = ?2, progress = ?3, updated_at = unixepoch(),
           finished_at = unixepoch() WHERE id = ?1`,
        id,
        state,
        JSON.stringify({ ...progress, pausedUntil: null, pausedBecause: null }),
      ],
      record(actor, entry),
    ]);
  }

  /** Running transfers that said nothing for `seconds`. */
  async silent(seconds: number): Promise<string[]> {
    const rows = await this.#database.all<{ id: string }>(
      `SELECT id FROM transfers WHERE state = 'running' AND updated_at <= unixepoch() - ?1
       ORDER BY updated_at LIMIT ${MAX_RUNNING}`,
      seconds,
    );
    return rows.map(({ id }) => id);
  }

  /** Forgets those that ended long ago. */
  async forgetOld(): Promise<void> {
    await this.#database.all(
      `DELETE FROM transfers WHERE number IN (SELECT number FROM transfers
         WHERE finished_at < unixepoch() - ${LIFETIME} ORDER BY finished_at LIMIT 1000)`,
    );
  }
}

function toRecord({ options, progress, ...row }: Row): TransferRecord {
  return { ...row, options: JSON.parse(options), progress: JSON.parse(progress) };
}
