import { type Actor, type AuditEntry, record } from './audit.ts';
import type { Database } from './database.ts';
import { guardFound, guardFree, runGuarded } from './guarded-batch.ts';

/** Another registry, of which a namespace is the mirror. */
export interface UpstreamRecord {
  namespace: string; // "docker.io": what its repositories begin with here
  url: string; // scheme and host, "https://registry-1.docker.io"
  username: string | null;
  secret: string | null; // sealed
  tokenHost: string | null; // besides its own host, where the credentials may go
  repositories: readonly string[]; // globs
  platforms: readonly string[] | null; // as "linux/amd64"; null for all
  tagMaxAge: number; // seconds
  missingMaxAge: number; // seconds
  keepBytes: number | null; // above that the least recently pulled goes; null for all
  onMissing: 'forget' | 'keep';
  onFailure: 'stale' | 'fail';
}

const COLUMNS = `namespace, url, username, secret, token_host AS tokenHost, repositories, platforms,
  tag_max_age AS tagMaxAge, missing_max_age AS missingMaxAge, keep_bytes AS keepBytes, on_missing AS onMissing,
  on_failure AS onFailure`;

interface Row extends Omit<UpstreamRecord, 'repositories' | 'platforms'> {
  repositories: string;
  platforms: string | null;
}

export const MAX_UPSTREAMS = 200;

const IS_NEW = 'NOT EXISTS (SELECT 1 FROM upstreams WHERE upstreams.namespace = ?1)';

/** The registries that are mirrored. */
export class UpstreamMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(namespace: string): Promise<UpstreamRecord | null> {
    const row = await this.#database.first<Row>(
      `SELECT ${COLUMNS} FROM upstreams WHERE namespace = ?1`,
      namespace,
    );
    return row === null ? null : toRecord(row);
  }

  /** Whether there is a namespace of that name, a mirror or not. */
  async hasNamespace(name: string): Promise<boolean> {
    return (await this.#database.first('SELECT 1 FROM namespaces WHERE name = ?1', name)) !== null;
  }

  /** All of them, by namespace. */
  async list(): Promise<UpstreamRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM upstreams ORDER BY namespace LIMIT ${MAX_UPSTREAMS}`,
    );
    return rows.map(toRecord);
  }

  /**
   * Makes a namespace the mirror of an upstream, or changes that. The namespace is made when it is not
   * there, and a new mirror without a retention policy gets one with `rules` (JSON). False, and nothing
   * changes, when it has repositories of its own, also deleted ones that can be restored, or there are
   * {@link MAX_UPSTREAMS} others.
   */
  put(
    upstream: UpstreamRecord,
    isPublic: boolean,
    rules: string,
    actor: Actor,
    entry: AuditEntry,
  ): Promise<boolean> {
    const { namespace } = upstream;
    return runGuarded(this.#database, [
      guardFree(
        `SELECT 1 FROM repositories WHERE namespace = ?1
           AND (deleted_at IS NULL OR expires_at > unixepoch()) AND ${IS_NEW}`,
        namespace,
      ),
      guardFound(
        `SELECT 1 WHERE (SELECT count(*) FROM upstreams WHERE namespace <> ?1) < ${MAX_UPSTREAMS}`,
        namespace,
      ),
      [
        `INSERT INTO namespaces (name, is_public, creates_on_push, restore_days)
         VALUES (?1, ?2, 1, 0)
         ON CONFLICT DO UPDATE SET creates_on_push = 1 WHERE ${IS_NEW}`,
        namespace,
        isPublic ? 1 : 0,
      ],
      [
        `INSERT INTO retention_policies (namespace, rules, is_enabled, every_hours, revision, next_run_at)
         SELECT ?1, ?2, 1, 24, lower(hex(randomblob(8))), unixepoch() + 86400
         WHERE ${IS_NEW} ON CONFLICT DO NOTHING`,
        namespace,
        rules,
      ],
      [
        `INSERT INTO upstreams (namespace, url, username, secret, token_host, repositories, platforms,
           tag_max_age, missing_max_age, keep_bytes, on_missing, on_failure)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (namespace) DO UPDATE SET url = excluded.url, username = excluded.username,
           secret = excluded.secret, token_host = excluded.token_host,
           repositories = excluded.repositories, platforms = excluded.platforms,
           tag_max_age = excluded.tag_max_age, missing_max_age = excluded.missing_max_age, keep_bytes = excluded.keep_bytes,
           on_missing = excluded.on_missing, on_failure = excluded.on_failure`,
        namespace,
        upstream.url,
        upstream.username,
        upstream.secret,
        upstream.tokenHost,
        JSON.stringify(upstream.repositories),
        upstream.platforms === null ? null : JSON.stringify(upstream.platforms),
        upstream.tagMaxAge,
        upstream.missingMaxAge,
        upstream.keepBytes,
        upstream.onMissing,
        upstream.onFailure,
      ],
      record(actor, entry),
    ]);
  }

  /**
   * Ends the mirror: what was fetched stays, and is the namespace's own from then on. Pushes make no
   * repositories beside it. False when there is none.
   */
  delete(namespace: string, actor: Actor, entry: AuditEntry): Promise<boolean> {
    return runGuarded(this.#database, [
      guardFound('SELECT 1 FROM upstreams WHERE namespace = ?1', namespace),
      ['DELETE FROM upstreams WHERE namespace = ?1', namespace],
      ['UPDATE namespaces SET creates_on_push = 0 WHERE name = ?1', namespace],
      record(actor, entry),
    ]);
  }
}

function toRecord({ repositories, platforms, ...row }: Row): UpstreamRecord {
  return {
    ...row,
    repositories: JSON.parse(repositories),
    platforms: platforms === null ? null : JSON.parse(platforms),
  };
}
