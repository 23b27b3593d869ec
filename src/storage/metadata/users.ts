import { type Actor, type AuditEntry, record } from './audit.ts';
import { deleteCredentials, endSessions } from './credentials.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';
import { deleteMemberships } from './members.ts';

/** The user whose password is the secret ADMIN_PASSWORD, and who has no row. */
export const SYSTEM_ADMIN = 'admin';

/** A person's account. */
export interface UserRecord {
  name: string;
  password: string; // hash; see auth/passwords.ts
  isAdmin: boolean;
  isDisabled: boolean;
  createdAt: number; // seconds since the epoch
}

/** What is to change; the rest stays. */
export interface UserChange {
  password?: string | undefined; // hash
  isAdmin?: boolean | undefined;
  isDisabled?: boolean | undefined;
}

interface UserRow {
  name: string;
  password: string;
  is_admin: number;
  disabled_at: number | null;
  created_at: number;
}

const EXISTS = 'SELECT 1 FROM users WHERE name = ?1';

/** Users. */
export class UserMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(name: string): Promise<UserRecord | null> {
    const row = await this.#database.first<UserRow>('SELECT * FROM users WHERE name = ?1', name);
    return row === null ? null : toUser(row);
  }

  /** At most `limit` users after `after`, by name. */
  async list(after: string, limit: number): Promise<UserRecord[]> {
    const rows = await this.#database.all<UserRow>(
      'SELECT * FROM users WHERE name > ?1 ORDER BY name LIMIT ?2',
      after,
      limit,
    );
    return rows.map(toUser);
  }

  /** Adds a user, who inherits nothing from an earlier one of the name; false when there is one. */
  create(
    user: { name: string; password: string; isAdmin: boolean },
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFree(EXISTS, user.name),
      deleteCredentials(user.name),
      deleteMemberships(user.name),
      [
        'INSERT INTO users (name, password, is_admin) VALUES (?1, ?2, ?3)',
        user.name,
        user.password,
        Number(user.isAdmin),
      ],
      record(actor, entry),
    ]);
  }

  /**
   * Changes a user; false when there is none. A new password, and being disabled, end the sessions.
   */
  update(name: string, change: UserChange, actor: Actor, entry: AuditEntry): Promise<boolean> {
    const { password, isAdmin, isDisabled } = change;
    return runGuarded(this.#database, [
      guardFound(EXISTS, name),
      [
        `UPDATE users SET password = coalesce(?2, password), is_admin = coalesce(?3, is_admin),
           disabled_at = CASE ?4
             WHEN 1 THEN coalesce(disabled_at, unixepoch()) WHEN 0 THEN NULL ELSE disabled_at END
         WHERE name = ?1`,
        name,
        password ?? null,
        isAdmin === undefined ? null : Number(isAdmin),
        isDisabled === undefined ? null : Number(isDisabled),
      ],
      ...(password !== undefined || isDisabled === true ? [endSessions(name)] : []),
      record(actor, entry),
    ]);
  }

  /** Removes a user with all that hangs on the name; false when there is none. */
  delete(name: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound(EXISTS, name),
      deleteCredentials(name),
      deleteMemberships(name),
      ['DELETE FROM users WHERE name = ?1', name],
      record(actor, entry),
    ]);
  }
}

function toUser(row: UserRow): UserRecord {
  return {
    name: row.name,
    password: row.password,
    isAdmin: row.is_admin === 1,
    isDisabled: row.disabled_at !== null,
    createdAt: row.created_at,
  };
}
