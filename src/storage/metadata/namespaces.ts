import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';
import { QUOTA_COLUMNS, type QuotaRecord } from './within-quota.ts';

/** A namespace: the first component of its repositories' names. */
export interface NamespaceRecord extends QuotaRecord {
  name: string;
  isPublic: boolean;
  createsOnPush: boolean;
  network: string; // JSON of auth/network.ts
  restoreDays: number; // for so long what is deleted can be restored
  createdAt: number; // seconds since the epoch
  role: string | null; // of the one who asks, on the whole namespace
}

/** What is to change; the rest stays. */
export interface NamespaceChange {
  isPublic?: boolean | undefined;
  createsOnPush?: boolean | undefined;
  network?: string | undefined; // JSON
  restoreDays?: number | undefined;
}

interface NamespaceRow extends QuotaRecord {
  name: string;
  is_public: number;
  creates_on_push: number;
  network: string;
  restore_days: number;
  created_at: number;
  role: string | null;
}

const EXISTS = 'SELECT 1 FROM namespaces WHERE name = ?1';

/** Namespaces with the role that `principal` has in them; null is nobody. */
const WITH_ROLE = `SELECT namespaces.name, is_public, creates_on_push, network,
    restore_days, namespaces.created_at, ${QUOTA_COLUMNS}, members.role FROM namespaces
  LEFT JOIN members ON members.namespace = namespaces.name
    AND members.principal = ?1 AND members.repositories = '**'`;

/** Namespaces. */
export class NamespaceMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** A namespace, with the role that the principal has in it. */
  async find(name: string, principal: string): Promise<NamespaceRecord | null> {
    const row = await this.#database.first<NamespaceRow>(
      `${WITH_ROLE} WHERE namespaces.name = ?2`,
      principal,
      name,
    );
    return row === null ? null : toNamespace(row);
  }

  /** At most `limit` after `after`, by name: all, or those in which the principal has a role. */
  async list(
    principal: string,
    which: 'all' | 'own',
    after: string,
    limit: number,
  ): Promise<NamespaceRecord[]> {
    const rows = await this.#database.all<NamespaceRow>(
      `${WITH_ROLE} WHERE namespaces.name > ?2 AND (?3 = 'all' OR members.role <> 'none')
       ORDER BY namespaces.name LIMIT ?4`,
      principal,
      after,
      which,
      limit,
    );
    return rows.map(toNamespace);
  }

  /** Adds a namespace; false when there is one of the name. */
  create(
    namespace: { name: string; isPublic: boolean; createsOnPush: boolean },
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFree(EXISTS, namespace.name),
      [
        'INSERT INTO namespaces (name, is_public, creates_on_push) VALUES (?1, ?2, ?3)',
        namespace.name,
        Number(namespace.isPublic),
        Number(namespace.createsOnPush),
      ],
      record(actor, entry),
    ]);
  }

  /** Changes a namespace; false when there is none. */
  update(name: string, change: NamespaceChange, actor: Actor, entry: AuditEntry): Promise<boolean> {
    const { isPublic, createsOnPush, network, restoreDays } = change;
    return runGuarded(this.#database, [
      guardFound(EXISTS, name),
      [
        `UPDATE namespaces SET is_public = coalesce(?2, is_public),
           creates_on_push = coalesce(?3, creates_on_push), network = coalesce(?4, network),
           restore_days = coalesce(?5, restore_days)
         WHERE name = ?1`,
        name,
        isPublic === undefined ? null : Number(isPublic),
        createsOnPush === undefined ? null : Number(createsOnPush),
        network ?? null,
        restoreDays ?? null,
      ],
      record(actor, entry),
    ]);
  }

  /**
   * Removes a namespace with its members, robots and trust rules, and all that was given to them;
   * false when it is not there, is a mirror, or still has repositories.
   */
  delete(name: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    const robots = 'SELECT name FROM robots WHERE namespace = ?1';
    return runGuarded(this.#database, [
      guardFound(EXISTS, name),
      guardFree('SELECT 1 FROM repositories WHERE namespace = ?1', name),
      guardFree('SELECT 1 FROM upstreams WHERE namespace = ?1', name),
      [`DELETE FROM credentials WHERE principal IN (${robots})`, name],
      [`DELETE FROM members WHERE principal IN (${robots})`, name],
      ['DELETE FROM namespaces WHERE name = ?1', name], // the rest goes with it, by foreign keys
      record(actor, entry),
    ]);
  }
}

function toNamespace({
  is_public,
  creates_on_push,
  restore_days,
  created_at,
  ...rest
}: NamespaceRow): NamespaceRecord {
  return {
    ...rest,
    isPublic: is_public === 1,
    createsOnPush: creates_on_push === 1,
    restoreDays: restore_days,
    createdAt: created_at,
  };
}
