import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';

/** Which tokens of an issuer let a workload in, and what it may do then. */
export interface TrustRuleRecord {
  id: string;
  namespace: string;
  name: string;
  issuer: string;
  audience: string;
  claims: string; // JSON: {"<claim>": "<glob>" or ["<glob>", …]}
  grants: string; // JSON: grants of auth/identity.ts
  createdAt: number; // seconds since the epoch
}

const COLUMNS = 'id, namespace, name, issuer, audience, claims, grants, created_at AS createdAt';
const EXISTS = 'SELECT 1 FROM trust_rules WHERE namespace = ?1 AND name = ?2';

/** Trust rules. */
export class TrustRuleMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find(namespace: string, name: string): Promise<TrustRuleRecord | null> {
    return this.#database.first<TrustRuleRecord>(
      `SELECT ${COLUMNS} FROM trust_rules WHERE namespace = ?1 AND name = ?2`,
      namespace,
      name,
    );
  }

  /** At most `limit` rules of a namespace after `after`, by name. */
  list(namespace: string, after: string, limit: number): Promise<TrustRuleRecord[]> {
    return this.#database.all<TrustRuleRecord>(
      `SELECT ${COLUMNS} FROM trust_rules
       WHERE namespace = ?1 AND name > ?2 ORDER BY name LIMIT ?3`,
      namespace,
      after,
      limit,
    );
  }

  /** The rules that trust an issuer, in whatever namespace. */
  ofIssuer(issuer: string): Promise<TrustRuleRecord[]> {
    return this.#database.all<TrustRuleRecord>(
      `SELECT ${COLUMNS} FROM trust_rules WHERE issuer = ?1 ORDER BY created_at, id`,
      issuer,
    );
  }

  /** Adds a rule; false when the namespace has one of the name, or is not there any more. */
  create(
    rule: Omit<TrustRuleRecord, 'createdAt'>,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFree(EXISTS, rule.namespace, rule.name),
      [
        `INSERT INTO trust_rules (id, namespace, name, issuer, audience, claims, grants)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
        rule.id,
        rule.namespace,
        rule.name,
        rule.issuer,
        rule.audience,
        rule.claims,
        rule.grants,
      ],
      record(actor, entry),
    ]);
  }

  /** Removes a rule and the credentials that it let workloads have; false when there is none. */
  delete(namespace: string, name: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(EXISTS, namespace, name),
      ['DELETE FROM trust_rules WHERE namespace = ?1 AND name = ?2', namespace, name],
      record(actor, entry),
    ]);
  }
}
