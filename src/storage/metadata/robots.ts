import { type Actor, type AuditEntry, record } from './audit.ts';
import {
  deleteCredentials,
  endSessions,
  insertCredential,
  type NewCredential,
} from './credentials.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';
import { deleteMemberships, setMember } from './members.ts';

/** A robot and its one secret. Times are seconds since the epoch. */
export interface RobotRecord {
  name: string; // "<namespace>+<its own name>"
  description: string;
  isDisabled: boolean;
  createdAt: number;
  role: string | null; // on the whole namespace
  limits: string; // JSON of auth/identity.ts: what its secret is narrowed to
  expiresAt: number | null; // of the secret
  lastUsedAt: number | null;
}

/** What is to change; the rest stays. */
export interface RobotChange {
  description?: string | undefined;
  isDisabled?: boolean | undefined;
}

/** A secret that takes the place of another, and is narrowed as that was. */
export interface NewSecret {
  id: string;
  secretHash: string;
  expiresAt: number | null; // seconds since the epoch
}

type RobotRow = Omit<RobotRecord, 'isDisabled'> & { isDisabled: number };

const EXISTS = 'SELECT 1 FROM robots WHERE namespace = ?1 AND name = ?2';

const WITH_SECRET = `SELECT robots.name, robots.description,
    robots.disabled_at IS NOT NULL AS isDisabled, robots.created_at AS createdAt,
    members.role, coalesce(credentials.limits, '[]') AS limits,
    credentials.expires_at AS expiresAt, credentials.last_used_at AS lastUsedAt
  FROM robots
  LEFT JOIN credentials ON credentials.principal = robots.name AND credentials.kind = 'robot'
  LEFT JOIN members ON members.namespace = robots.namespace
    AND members.principal = robots.name AND members.repositories = '**'`;

/** Robots: accounts of programs, owned by a namespace. */
export class RobotMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(namespace: string, name: string): Promise<RobotRecord | null> {
    const row = await this.#database.first<RobotRow>(
      `${WITH_SECRET} WHERE robots.namespace = ?1 AND robots.name = ?2`,
      namespace,
      name,
    );
    return row === null ? null : toRobot(row);
  }

  /** At most `limit` robots of a namespace after `after`, by name. */
  async list(namespace: string, after: string, limit: number): Promise<RobotRecord[]> {
    const rows = await this.#database.all<RobotRow>(
      `${WITH_SECRET} WHERE robots.namespace = ?1 AND robots.name > ?2
       ORDER BY robots.name LIMIT ?3`,
      namespace,
      after,
      limit,
    );
    return rows.map(toRobot);
  }

  /**
   * Adds a robot, which inherits nothing from an earlier one of the name, with its secret and, unless
   * that is null, a role; false when there is one.
   */
  create(
    namespace: string,
    robot: { name: string; description: string; role: string | null },
    secret: NewCredential,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    const { name, description, role } = robot;
    return runGuarded(this.#database, [
      guardFree(EXISTS, namespace, name),
      deleteCredentials(name),
      deleteMemberships(name),
      [
        'INSERT INTO robots (name, namespace, description) VALUES (?1, ?2, ?3)',
        name,
        namespace,
        description,
      ],
      ...(role === null
        ? []
        : [setMember(namespace, { principal: name, repositories: '**', role })]),
      insertCredential(secret),
      record(actor, entry),
    ]);
  }

  /** Gives a robot another secret; the old one, and all made with it, die. False without a robot. */
  replaceSecret(
    namespace: string,
    name: string,
    secret: NewSecret,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    const old = "FROM credentials WHERE principal = ?1 AND kind = 'robot'";
    return runGuarded(this.#database, [
      guardFound(EXISTS, namespace, name),
      guardFound(`SELECT 1 ${old}`, name),
      [
        `INSERT INTO credentials (id, kind, principal, name, secret_hash, limits, expires_at)
         SELECT ?2, kind, principal, name, ?3, limits, ?4 ${old} LIMIT 1`,
        name,
        secret.id,
        secret.secretHash,
        secret.expiresAt,
      ],
      ['DELETE FROM credentials WHERE principal = ?1 AND id <> ?2', name, secret.id],
      record(actor, entry),
    ]);
  }

  /** Changes a robot; false when there is none. Being disabled ends its sessions. */
  update(
    namespace: string,
    name: string,
    { description, isDisabled }: RobotChange,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(EXISTS, namespace, name),
      [
        `UPDATE robots SET description = coalesce(?2, description),
           disabled_at = CASE ?3
             WHEN 1 THEN coalesce(disabled_at, unixepoch()) WHEN 0 THEN NULL ELSE disabled_at END
         WHERE name = ?1`,
        name,
        description ?? null,
        isDisabled === undefined ? null : Number(isDisabled),
      ],
      ...(isDisabled === true ? [endSessions(name)] : []),
      record(actor, entry),
    ]);
  }

  /** Removes a robot with all that hangs on the name; false when there is none. */
  delete(namespace: string, name: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(EXISTS, namespace, name),
      deleteCredentials(name),
      deleteMemberships(name),
      ['DELETE FROM robots WHERE name = ?1', name],
      record(actor, entry),
    ]);
  }
}

function toRobot(row: RobotRow): RobotRecord {
  return { ...row, isDisabled: row.isDisabled === 1 };
}
