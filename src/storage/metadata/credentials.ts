import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database, Statement } from './database.ts';
import { guardFound, runGuarded } from './guarded-batch.ts';

export type CredentialKind = 'personal' | 'robot' | 'temporary' | 'refresh';

/** A secret that the registry gave out. `limits` and `grants` are JSON of auth/identity.ts. */
export interface CredentialRecord {
  id: string;
  kind: CredentialKind;
  principal: string;
  name: string;
  limits: string;
  grants: string | null;
  trustRule: string | null;
  createdAt: number; // seconds since the epoch
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface NewCredential {
  id: string;
  kind: CredentialKind;
  principal: string;
  name: string;
  secretHash: string;
  limits: string;
  grants: string | null;
  parent: string | null;
  trustRule: string | null;
  expiresAt: number | null; // seconds since the epoch
}

/** A credential with what decides whether its principal is still one. */
export interface LoginRecord extends CredentialRecord {
  isAdmin: boolean;
}

const COLUMNS = `credentials.id, credentials.kind, credentials.principal, credentials.name,
  credentials.limits, credentials.grants, credentials.trust_rule AS trustRule,
  credentials.created_at AS createdAt,
  credentials.expires_at AS expiresAt, credentials.last_used_at AS lastUsedAt`;

/** How many credentials may hang on each other. */
const MAX_DEPTH = 4;

const USE_PRECISION = 60 * 60; // seconds: "last used" is not written more often

/** Credentials. */
export class CredentialMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * The credential with this secret, if it and its principal are still good; notes that it was used.
   * `systemAdmin` is the principal that has no row of its own.
   */
  async logIn(secretHash: string, systemAdmin: string): Promise<LoginRecord | null> {
    const [found] = await this.#database.batch([
      [
        `SELECT ${COLUMNS}, coalesce(users.is_admin, credentials.principal = ?2) AS isAdmin
         FROM credentials
         LEFT JOIN users ON users.name = credentials.principal
         LEFT JOIN robots ON robots.name = credentials.principal
         WHERE credentials.secret_hash = ?1
           AND (credentials.expires_at IS NULL OR credentials.expires_at > unixepoch())
           AND (credentials.principal = ?2 OR credentials.trust_rule IS NOT NULL
             OR (users.name IS NOT NULL AND users.disabled_at IS NULL)
             OR (robots.name IS NOT NULL AND robots.disabled_at IS NULL))`,
        secretHash,
        systemAdmin,
      ],
      [
        `UPDATE credentials SET last_used_at = unixepoch()
         WHERE secret_hash = ?1 AND (expires_at IS NULL OR expires_at > unixepoch())
           AND coalesce(last_used_at, 0) < unixepoch() - ${USE_PRECISION}`,
        secretHash,
      ],
    ]);
    const row = (found as (CredentialRecord & { isAdmin: number })[])[0];
    return row === undefined ? null : { ...row, isAdmin: row.isAdmin === 1 };
  }

  /**
   * Stores a new credential; false when what it was made with is not there any more, or was made with
   * others in its turn too often.
   */
  create(credential: NewCredential, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      ...guardDepth(credential.parent),
      insertCredential(credential),
      record(actor, entry),
    ]);
  }

  /** Forgets refresh tokens and temporary credentials whose time is over; tokens stay to be seen. */
  async forgetExpired(): Promise<void> {
    await this.#database.all(
      `DELETE FROM credentials
       WHERE expires_at < unixepoch() AND kind IN ('refresh', 'temporary')`,
    );
  }

  /** Credentials of a principal of the kinds given, the oldest first. */
  list(principal: string, kinds: readonly CredentialKind[]): Promise<CredentialRecord[]> {
    return this.#database.all<CredentialRecord>(
      `SELECT ${COLUMNS} FROM credentials
       WHERE principal = ?1 AND kind IN (SELECT value FROM json_each(?2))
       ORDER BY created_at, id`,
      principal,
      JSON.stringify(kinds),
    );
  }

  /** Revokes a credential of a principal and all made with it; false when there is none. */
  delete(principal: string, id: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    const row = 'FROM credentials WHERE principal = ?1 AND id = ?2';
    return runGuarded(this.#database, [
      guardFound(`SELECT 1 ${row}`, principal, id),
      [`DELETE ${row}`, principal, id],
      record(actor, entry),
    ]);
  }
}

/**
 * Rolls its batch back when the parent has too many ancestors: a credential falls with its parent,
 * and SQLite goes down only so many levels at once.
 */
function guardDepth(parent: string | null): Statement[] {
  if (parent === null) {
    return [];
  }
  return [
    [
      `INSERT INTO guard
       WITH RECURSIVE chain (parent, depth) AS (
         SELECT parent, 1 FROM credentials WHERE id = ?1
         UNION ALL
         SELECT credentials.parent, depth + 1 FROM chain JOIN credentials ON credentials.id = chain.parent)
       SELECT max(depth) < ${MAX_DEPTH} FROM chain`,
      parent,
    ],
  ];
}

/** Stores a credential. One made by a workload's ends with the same trust rule. */
export function insertCredential(credential: NewCredential): Statement {
  return [
    `INSERT INTO credentials
       (id, kind, principal, name, secret_hash, limits, grants, parent, trust_rule, expires_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
       coalesce(?9, (SELECT trust_rule FROM credentials WHERE id = ?8)), ?10)`,
    credential.id,
    credential.kind,
    credential.principal,
    credential.name,
    credential.secretHash,
    credential.limits,
    credential.grants,
    credential.parent,
    credential.trustRule,
    credential.expiresAt,
  ];
}

/** Revokes what a login lasts by, and leaves what was made to stay: for a batch. */
export function endSessions(principal: string): Statement {
  return [
    "DELETE FROM credentials WHERE principal = ?1 AND kind IN ('refresh', 'temporary')",
    principal,
  ];
}

/** Revokes all credentials of a principal: for the batch that removes it. */
export function deleteCredentials(principal: string): Statement {
  return ['DELETE FROM credentials WHERE principal = ?1', principal];
}
