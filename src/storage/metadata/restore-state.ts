import { type Actor, record } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';
import type { ProgressMetadata } from './progress.ts';

/**
 * The restore that was begun last. Entries of the audit log that it brings have ids between `own` and
 * `audit`; triggers refuse entries of other changes behind `audit` while it is under way.
 */
export interface RestoreState {
  backup: string; // its id
  takenAt: string; // RFC 3339, of the backup
  begunAt: number; // seconds since the epoch
  lastAudit: number; // the largest id of the backup's entries
  own: number; // the largest id of an entry from before the restore
  audit: number; // the id of the entry that notes the beginning
  phase: 'open' | 'given up' | 'taken back' | 'done';
  endedTo?: string | null; // the digest of the last blob that its end has looked at
}

/** The job whose state is a {@link RestoreState}. */
export const RESTORE_JOB = 'restore';

/** The job whose state is the list of the credentials that were there before the restore: their ids. */
export const OWN_CREDENTIALS = 'credentials before restore';

const UNDER_WAY = `SELECT 1 FROM progress
  WHERE job = '${RESTORE_JOB}' AND state ->> 'phase' IN ('open', 'given up')`;

const IN_USE = `SELECT 1 WHERE EXISTS (SELECT 1 FROM repositories) OR EXISTS (SELECT 1 FROM users)
  OR EXISTS (SELECT 1 FROM namespaces)`;

/** Which restore is under way: it begins, and ends or is given up. */
export class RestoreStates {
  readonly #database: Database;
  readonly #progress: ProgressMetadata;

  constructor(database: Database, progress: ProgressMetadata) {
    this.#database = database;
    this.#progress = progress;
  }

  /** The restore that was begun last, or null. */
  find(): Promise<RestoreState | null> {
    return this.#progress.find<RestoreState>(RESTORE_JOB);
  }

  /** Whether a restore is under way: then much is there that nothing holds yet. */
  async isUnderWay(): Promise<boolean> {
    return (await this.#database.first(UNDER_WAY)) !== null;
  }

  /**
   * Begins a restore. Entries of the audit log from now on come after those of the backup, the largest of
   * which is `lastAudit`. False when the registry is in use, or another restore is under way.
   */
  begin(
    { backup, takenAt, lastAudit }: Pick<RestoreState, 'backup' | 'takenAt' | 'lastAudit'>,
    actor: Actor,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFree(UNDER_WAY),
      guardFree(IN_USE),
      [
        `INSERT INTO progress (job, state)
         SELECT '${RESTORE_JOB}', json_object('backup', ?1, 'takenAt', ?2, 'begunAt', unixepoch(),
           'lastAudit', last, 'own', own, 'audit', own + last + 1, 'phase', 'open')
         FROM (SELECT coalesce(max(id), 0) AS own, CAST(?3 AS INTEGER) AS last FROM audit)
         WHERE true
         ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
        backup,
        takenAt,
        lastAudit,
      ],
      [
        `INSERT INTO progress (job, state) SELECT '${OWN_CREDENTIALS}', json_group_array(id) FROM credentials
         WHERE true ON CONFLICT DO UPDATE SET state = excluded.state`,
      ],
      // A copy that was begun before has other content.
      ["DELETE FROM progress WHERE job = 'copy'"],
      [
        `INSERT INTO audit (id, event, principal, address, target)
         SELECT state ->> 'audit', 'restore.begin', ?1, ?2, ?3 FROM progress WHERE job = '${RESTORE_JOB}'`,
        actor.principal,
        actor.address,
        backup,
      ],
    ]);
  }

  /** Ends it; false when it is not open any more. */
  end(state: RestoreState, actor: Actor): Promise<boolean> {
    return runGuarded(this.#database, [
      guardPhase(state, 'open'),
      ...setPhase('done'),
      record(actor, { event: 'restore.end', target: state.backup }),
    ]);
  }

  /** Takes no more rows of it, so that what it has brought can be taken away; false as {@link end}. */
  giveUp(state: RestoreState, actor: Actor): Promise<boolean> {
    return runGuarded(this.#database, [
      guardPhase(state, 'open'),
      ...setPhase('given up'),
      record(actor, { event: 'restore.give-up', target: state.backup }),
    ]);
  }

  /** Notes that nothing is left of one that was given up; false when something is. */
  noteTakenBack(state: RestoreState): Promise<boolean> {
    return runGuarded(this.#database, [
      guardPhase(state, 'given up'),
      guardFree(IN_USE),
      ...setPhase('taken back'),
    ]);
  }
}

/** Rolls its batch back unless the restore is still in the phase. */
export function guardPhase({ audit }: RestoreState, phase: RestoreState['phase']): Statement {
  return guardFound(
    `SELECT 1 FROM progress WHERE job = '${RESTORE_JOB}' AND state ->> 'audit' = ${audit}
       AND state ->> 'phase' = ?1`,
    phase,
  );
}

/** Notes how far the end of a restore has come; null, and it has to look at all blobs again. */
export function setPlaceOfEnd(digest: string | null): Statement {
  return [
    `UPDATE progress SET state = json_set(state, '$.endedTo', ?1)
     WHERE job = '${RESTORE_JOB}' AND state ->> 'endedTo' IS NOT ?1`,
    digest,
  ];
}

function setPhase(phase: RestoreState['phase']): Statement[] {
  return [
    [
      `UPDATE progress SET state = json_set(state, '$.phase', ?1), updated_at = unixepoch()
       WHERE job = '${RESTORE_JOB}'`,
      phase,
    ],
    ...(phase === 'given up'
      ? []
      : [[`DELETE FROM progress WHERE job = '${OWN_CREDENTIALS}'`] satisfies Statement]),
  ];
}
