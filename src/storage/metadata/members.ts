import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';

/** A role of a principal on the repositories of a namespace that match a glob. */
export interface MemberRecord {
  principal: string; // "*" for everybody
  repositories: string; // glob over the name behind the namespace; "**" for all
  role: string;
}

/** Members of namespaces. */
export class MemberMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The role of one row, or null. */
  async find(namespace: string, principal: string, repositories: string): Promise<string | null> {
    const row = await this.#database.first<{ role: string }>(
      `SELECT role FROM members
       WHERE namespace = ?1 AND principal = ?2 AND repositories = ?3`,
      namespace,
      principal,
      repositories,
    );
    return row?.role ?? null;
  }

  /** At most `limit` rows after `after` by {@link memberKey}. */
  list(namespace: string, after: string, limit: number): Promise<MemberRecord[]> {
    return this.#database.all<MemberRecord>(
      `SELECT principal, repositories, role FROM members
       WHERE namespace = ?1 AND principal || ' ' || repositories > ?2
       ORDER BY principal || ' ' || repositories LIMIT ?3`,
      namespace,
      after,
      limit,
    );
  }

  /** Sets a role; false when there is no such user or robot, or no such namespace any more. */
  set(namespace: string, member: MemberRecord, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(
        `SELECT 1 WHERE ?1 = '*' UNION SELECT 1 FROM users WHERE name = ?1
         UNION SELECT 1 FROM robots WHERE name = ?1`,
        member.principal,
      ),
      setMember(namespace, member),
      record(actor, entry),
    ]);
  }

  /** Takes a role away; false when there was none. */
  delete(
    namespace: string,
    principal: string,
    repositories: string,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    const row = 'FROM members WHERE namespace = ?1 AND principal = ?2 AND repositories = ?3';
    return runGuarded(this.#database, [
      guardFound(`SELECT 1 ${row}`, namespace, principal, repositories),
      [`DELETE ${row}`, namespace, principal, repositories],
      record(actor, entry),
    ]);
  }
}

/** What rows are sorted by. Neither part holds a space. */
export function memberKey({ principal, repositories }: MemberRecord): string {
  return `${principal} ${repositories}`;
}

/** Sets a role: for the batch that checks that its principal exists. */
export function setMember(namespace: string, member: MemberRecord): Statement {
  return [
    `INSERT INTO members (namespace, principal, repositories, role) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO UPDATE SET role = excluded.role`,
    namespace,
    member.principal,
    member.repositories,
    member.role,
  ];
}

/** Takes all roles from a principal: for the batch that removes it. */
export function deleteMemberships(principal: string): Statement {
  return ['DELETE FROM members WHERE principal = ?1', principal];
}
