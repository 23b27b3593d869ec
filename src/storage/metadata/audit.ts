import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Database, Statement } from './database.ts';
import type { Lifetimes } from './lifetimes.ts';

/** Who does something, and from where. */
export interface Actor {
  principal: string;
  address: string | null;
}

/** Something that happened. */
export interface AuditEntry {
  event: string; // "tag.set", "login.failed", …
  namespace?: string | null;
  repository?: string | null;
  target?: string | null; // a tag, a digest, or the name of what was changed
  before?: string | null;
  after?: string | null;
}

/** An entry as it is stored. */
export interface AuditRecord extends Required<AuditEntry> {
  id: number;
  at: number; // seconds since the epoch
  principal: string;
  address: string | null;
  reason: string | null; // the rule, when one decided
}

/** Which entries to list; what is left out does not narrow. */
export interface AuditQuery {
  namespace?: string | undefined;
  principal?: string | undefined;
  repository?: string | undefined;
  event?: string | undefined;
  after?: number | undefined; // id
  since?: number | undefined; // seconds since the epoch
}

/** Adds an entry: for the batch that makes the change. */
export function record(actor: Actor, entry: AuditEntry): Statement {
  return [
    `INSERT INTO audit (event, principal, address, namespace, repository, target, before, after)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
    entry.event,
    actor.principal,
    actor.address,
    entry.namespace ?? null,
    entry.repository ?? null,
    entry.target ?? null,
    entry.before ?? null,
    entry.after ?? null,
  ];
}

/**
 * Adds an entry of a repository for each row of `source` (the text behind FROM), with the columns
 * given as SQL. In both ?4 is the repository's name, and `parameters` begin at ?5.
 */
export function recordEach(
  actor: Actor,
  event: string,
  repository: RepositoryName,
  columns: { target: string; before: string; after: string },
  source: string,
  parameters: readonly (string | null)[],
): Statement {
  return [
    `INSERT INTO audit (event, principal, address, namespace, repository, target, before, after)
     SELECT ?1, ?2, ?3, substr(?4, 1, instr(?4 || '/', '/') - 1), ?4,
       ${columns.target}, ${columns.before}, ${columns.after}
     FROM ${source}`,
    event,
    actor.principal,
    actor.address,
    repository,
    ...parameters,
  ];
}

/** What the trigger audit_is_kept insists on. */
const MIN_LIFETIME = 31 * 24 * 60 * 60; // seconds

/** The audit log. */
export class AuditMetadata {
  readonly #database: Database;
  readonly #lifetime: number;

  constructor(database: Database, { audit }: Lifetimes) {
    this.#database = database;
    this.#lifetime = audit;
  }

  /** Adds an entry for something that changed no row. */
  async add(actor: Actor, entry: AuditEntry): Promise<void> {
    await this.#database.batch([record(actor, entry)]);
  }

  /** Forgets those of the `limit` oldest entries that are older than their lifetime. How many. */
  async forgetOld(limit: number): Promise<number> {
    const forgotten = await this.#database.all(
      `DELETE FROM audit WHERE at < unixepoch() - max(?1, ${MIN_LIFETIME})
         AND id IN (SELECT id FROM audit ORDER BY id LIMIT ?2)
       RETURNING id`,
      this.#lifetime,
      limit,
    );
    return forgotten.length;
  }

  /** At most `limit` entries, the oldest first. */
  list(query: AuditQuery, limit: number): Promise<AuditRecord[]> {
    return this.#database.all<AuditRecord>(
      `SELECT id, at, event, principal, address, namespace, repository, target, before, after,
         reason
       FROM audit
       WHERE id > ?1 AND at >= ?2
         AND (?3 IS NULL OR namespace = ?3) AND (?4 IS NULL OR principal = ?4)
         AND (?5 IS NULL OR repository = ?5) AND (?6 IS NULL OR event = ?6)
       ORDER BY id LIMIT ?7`,
      query.after ?? 0,
      query.since ?? 0,
      query.namespace ?? null,
      query.principal ?? null,
      query.repository ?? null,
      query.event ?? null,
      limit,
    );
  }
}
