import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { TransferFailure } from '../storage/metadata/transfers.ts';
import { FINISHED_SCHEMA, Finished } from './finished.ts';

/** A list of the source, another registry or our own: of the tags of a repository, or of its repositories. */
export interface ListWork {
  id: number;
  kind: 'tags' | 'repositories';
  source: RepositoryName;
  target: RepositoryName;
  cursor: string; // the query of the next page; '' for the first
  attempts: number;
}

/** A tag to copy. */
export interface TagWork {
  id: number;
  listId: number;
  source: RepositoryName;
  target: RepositoryName;
  tag: Tag;
  toTag: Tag;
  attempts: number;
  manifests: number; // of what it names, that are in the target
}

/** What a list names: a tag that is to be copied, or only with the manifest that it is about. */
export interface NewTag {
  tag: Tag;
  toTag: Tag;
  state: 'waiting' | 'attached';
}

/** How much there is in each state. */
export interface WorkCounts {
  repositories: number;
  copied: number;
  present: number;
  failed: number;
  waiting: number;
  bytes: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS lists (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    source   TEXT NOT NULL,
    target   TEXT NOT NULL,
    cursor   TEXT NOT NULL DEFAULT '',
    state    TEXT NOT NULL DEFAULT 'waiting', -- then done or failed
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at   INTEGER NOT NULL DEFAULT 0,      -- milliseconds since the epoch
    reason   TEXT,
    UNIQUE (kind, source)
  );
  CREATE TABLE IF NOT EXISTS tags (
    id       INTEGER PRIMARY KEY,
    list_id  INTEGER NOT NULL,
    name     TEXT NOT NULL,
    to_name  TEXT NOT NULL,
    state    TEXT NOT NULL,                   -- waiting, or attached to a manifest; then copied, present or failed
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at   INTEGER NOT NULL DEFAULT 0,
    reason   TEXT,
    manifests INTEGER NOT NULL DEFAULT 0,
    UNIQUE (list_id, name)
  );
  CREATE INDEX IF NOT EXISTS tags_by_state ON tags (state, due_at);
  CREATE TABLE IF NOT EXISTS totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  INSERT INTO totals VALUES ('repositories', 0), ('tags', 0), ('bytes', 0) ON CONFLICT DO NOTHING;
  ${FINISHED_SCHEMA}`;

type Total = 'repositories' | 'tags' | 'bytes';

/** A value bound to a statement may have 2 MB: https://developers.cloudflare.com/durable-objects/platform/limits/ */
const SLICE = 1000; // tags

const DUE_TAG = `SELECT tags.id, list_id AS listId, source, target, name AS tag, to_name AS toTag,
    tags.attempts, manifests
  FROM tags JOIN lists ON lists.id = list_id
  WHERE tags.state = 'waiting' AND tags.due_at <= ?
    AND tags.id NOT IN (SELECT value FROM json_each(?))
  ORDER BY tags.due_at, tags.id LIMIT 1`;

/** What a transfer has yet to do, and what became of the rest: in the storage of its Durable Object. */
export class WorkList {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes the tables, unless they are there. */
  open(): void {
    this.#sql.exec(SCHEMA);
  }

  /** Adds a list to read; false, and nothing happens, when it is there. */
  addList(kind: ListWork['kind'], source: RepositoryName, target: RepositoryName): boolean {
    const added = this.#sql.exec(
      `INSERT INTO lists (kind, source, target) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
      kind,
      source,
      target,
    );
    const isNew = added.toArray().length === 1;
    this.#add('repositories', isNew && kind === 'tags' ? 1 : 0);
    return isNew;
  }

  /** A list that may be read on, or null. */
  nextList(now: number): ListWork | null {
    return this.#first<ListWork>(
      `SELECT id, kind, source, target, cursor, attempts FROM lists
       WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, id LIMIT 1`,
      now,
    );
  }

  /** Adds what a page of a list names. How much of it was new. */
  addTags(listId: number, tags: readonly NewTag[]): number {
    let added = 0;
    for (let start = 0; start < tags.length; start += SLICE) {
      const inserted = this.#sql.exec(
        `INSERT INTO tags (list_id, name, to_name, state)
         SELECT ?, value ->> 'tag', value ->> 'toTag', value ->> 'state' FROM json_each(?) WHERE true
         ON CONFLICT DO NOTHING RETURNING id`,
        listId,
        JSON.stringify(tags.slice(start, start + SLICE)),
      );
      added += inserted.toArray().length;
    }
    this.#add('tags', added);
    return added;
  }

  /** Whether a list has named a tag that is to be copied for its own sake. */
  hasTags(listId: number): boolean {
    const query = `SELECT 1 FROM tags WHERE list_id = ? AND state <> 'attached' LIMIT 1`;
    return this.#first(query, listId) !== null;
  }

  /** Where a list goes on; null at its end. */
  turnPage(listId: number, cursor: string | null): void {
    this.#sql.exec(
      `UPDATE lists SET cursor = ?2, state = iif(?3, 'done', state), attempts = 0, reason = NULL
       WHERE id = ?1`,
      listId,
      cursor ?? '',
      cursor === null ? 1 : 0,
    );
  }

  /** A tag to copy that is none of `taken`, which are being copied, or null. */
  nextTag(now: number, taken: ReadonlySet<number>): TagWork | null {
    return this.#first<TagWork>(DUE_TAG, now, JSON.stringify([...taken]));
  }

  /** A tag is done. */
  settleTag(id: number, state: 'copied' | 'present'): void {
    this.#sql.exec('UPDATE tags SET state = ?, reason = NULL WHERE id = ?', state, id);
  }

  /** What of the image that a tag names is in the target. */
  finished(tag: TagWork): Finished {
    return new Finished(this.#sql, tag);
  }

  /** Something went wrong: it is tried again at a time (milliseconds since the epoch), or has failed. */
  fail(table: 'lists' | 'tags', id: number, reason: string, againAt: number | null): void {
    this.#sql.exec(
      `UPDATE ${table} SET attempts = attempts + 1, due_at = ?, reason = ?,
         state = iif(?, 'failed', state) WHERE id = ?`,
      againAt ?? 0,
      reason,
      againAt === null ? 1 : 0,
      id,
    );
  }

  addBytes(bytes: number): void {
    this.#add('bytes', bytes);
  }

  /** When there is something to do next, in milliseconds since the epoch; null when all is done. */
  nextDue(): number | null {
    const row = this.#first<{ due: number | null }>(
      `SELECT min(due_at) AS due FROM (
         SELECT due_at FROM lists WHERE state = 'waiting'
         UNION ALL SELECT due_at FROM tags WHERE state = 'waiting')`,
    );
    return row?.due ?? null;
  }

  /** How much the lists have named so far. */
  total(name: Total): number {
    return (
      this.#first<{ value: number }>('SELECT value FROM totals WHERE name = ?', name)?.value ?? 0
    );
  }

  counts(): WorkCounts {
    return this.#first<WorkCounts>(
      `SELECT
         (SELECT value FROM totals WHERE name = 'repositories') AS repositories,
         (SELECT count(*) FROM tags WHERE state = 'copied') AS copied,
         (SELECT count(*) FROM tags WHERE state = 'present') AS present,
         (SELECT count(*) FROM tags WHERE state = 'failed')
           + (SELECT count(*) FROM lists WHERE state = 'failed') AS failed,
         (SELECT count(*) FROM tags WHERE state = 'waiting')
           + (SELECT count(*) FROM lists WHERE state = 'waiting') AS waiting,
         (SELECT value FROM totals WHERE name = 'bytes') AS bytes`,
    ) as WorkCounts;
  }

  /** At most `limit` of what failed, with the reason. */
  failures(limit: number): TransferFailure[] {
    return this.#all<TransferFailure>(
      `SELECT source AS repository, NULL AS tag, reason FROM lists WHERE state = 'failed'
       UNION ALL
       SELECT source, name, tags.reason FROM tags JOIN lists ON lists.id = list_id
         WHERE tags.state = 'failed'
       LIMIT ?`,
      limit,
    );
  }

  #add(name: Total, value: number): void {
    this.#sql.exec('UPDATE totals SET value = value + ? WHERE name = ?', value, name);
  }

  #first<Row extends object>(query: string, ...parameters: SqlStorageValue[]): Row | null {
    return this.#all<Row>(query, ...parameters)[0] ?? null;
  }

  #all<Row extends object>(query: string, ...parameters: SqlStorageValue[]): Row[] {
    return this.#sql.exec(query, ...parameters).toArray() as unknown as Row[];
  }
}
