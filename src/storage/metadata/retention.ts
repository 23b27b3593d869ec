import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';
import { reviewUntagged } from './untagged-reviews.ts';

/** What is set for a namespace. */
export interface RetentionSettings {
  rules: string; // JSON of lifecycle/retention/rules.ts
  isEnabled: boolean;
  everyHours: number;
}

/** A policy as it is stored. Times are in seconds since the epoch. */
export interface RetentionPolicy extends RetentionSettings {
  namespace: string;
  revision: string; // another one for other rules
  nextRunAt: number;
  lastRunAt: number | null; // when a run was last through
  place: string; // in a run, the repository with which it goes on; '' for the first
}

type PolicyRow = Omit<RetentionPolicy, 'isEnabled'> & { isEnabled: number };

const POLICIES = `SELECT namespace, rules, is_enabled AS isEnabled, every_hours AS everyHours, revision,
  next_run_at AS nextRunAt, last_run_at AS lastRunAt, place FROM retention_policies`;

/** Policies: which tags of a namespace go by themselves. */
export class RetentionMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The policy of a namespace, or null. */
  async find(namespace: string): Promise<RetentionPolicy | null> {
    const row = await this.#database.first<PolicyRow>(
      `${POLICIES} WHERE namespace = ?1`,
      namespace,
    );
    return row === null ? null : toPolicy(row);
  }

  /** The enabled policies of namespaces, by their names. */
  async ofNamespaces(names: readonly string[]): Promise<Map<string, RetentionPolicy>> {
    const rows = await this.#database.all<PolicyRow>(
      `${POLICIES} WHERE is_enabled = 1 AND namespace IN (SELECT value FROM json_each(?1))`,
      JSON.stringify([...new Set(names)]),
    );
    return new Map(rows.map((row) => [row.namespace, toPolicy(row)]));
  }

  /**
   * Sets a policy. Other rules, and those that were disabled, have their first run a whole interval
   * later; the same rules again leave a run that is under way alone. False when there is no such
   * namespace any more.
   */
  set(
    namespace: string,
    { rules, isEnabled, everyHours }: RetentionSettings,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      [
        `INSERT INTO retention_policies AS old
           (namespace, rules, is_enabled, every_hours, revision, next_run_at)
         VALUES (?1, ?2, ?3, ?4, lower(hex(randomblob(8))), unixepoch() + ?4 * 3600)
         ON CONFLICT DO UPDATE SET rules = excluded.rules, is_enabled = excluded.is_enabled,
           every_hours = excluded.every_hours,
           revision = iif(old.rules = excluded.rules, old.revision, excluded.revision),
           place = iif(old.rules = excluded.rules, old.place, ''),
           next_run_at = iif(old.rules = excluded.rules AND old.is_enabled = 1,
             min(old.next_run_at, excluded.next_run_at), excluded.next_run_at)`,
        namespace,
        rules,
        Number(isEnabled),
        everyHours,
      ],
      ...reviewUntagged(namespace),
      record(actor, entry),
    ]);
  }

  /** Removes a policy; false when there was none. */
  delete(namespace: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound('SELECT 1 FROM retention_policies WHERE namespace = ?1', namespace),
      ['DELETE FROM retention_policies WHERE namespace = ?1', namespace],
      ...reviewUntagged(namespace),
      record(actor, entry),
    ]);
  }

  /** Makes an enabled policy due now; one that is due goes on. False when there is none. */
  start(namespace: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(
        'SELECT 1 FROM retention_policies WHERE namespace = ?1 AND is_enabled = 1',
        namespace,
      ),
      [
        `UPDATE retention_policies SET next_run_at = min(next_run_at, unixepoch()),
           place = iif(next_run_at <= unixepoch(), place, '')
         WHERE namespace = ?1`,
        namespace,
      ],
      record(actor, entry),
    ]);
  }

  /** The policy that has been due for longest, or null. */
  async due(): Promise<RetentionPolicy | null> {
    const row = await this.#database.first<PolicyRow>(
      `${POLICIES} WHERE is_enabled = 1 AND next_run_at <= unixepoch()
       ORDER BY next_run_at, namespace LIMIT 1`,
    );
    return row === null ? null : toPolicy(row);
  }

  /** Notes the repository with which a run goes on, unless the rules are others now. */
  async saveProgress({ namespace, revision }: RetentionPolicy, place: string): Promise<void> {
    await this.#database.all(
      'UPDATE retention_policies SET place = ?3 WHERE namespace = ?1 AND revision = ?2',
      namespace,
      revision,
      place,
    );
  }

  /** Notes that a run is through, unless the rules are others now. */
  async finish({ namespace, revision }: RetentionPolicy): Promise<void> {
    await this.#database.all(
      `UPDATE retention_policies SET place = '', last_run_at = unixepoch(),
         next_run_at = unixepoch() + every_hours * 3600
       WHERE namespace = ?1 AND revision = ?2`,
      namespace,
      revision,
    );
  }
}

function toPolicy(row: PolicyRow): RetentionPolicy {
  return { ...row, isEnabled: row.isEnabled === 1 };
}
