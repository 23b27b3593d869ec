/** D1 and R2 in one SQLite database, for a model that goes back to earlier states by savepoints. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Gate } from './gate.ts';

const MIGRATIONS = join(import.meta.dirname, '../../src/storage/migrations');

type Parameter = string | number | null;

interface Bound {
  sql: string;
  parameters: readonly Parameter[];
}

/** SQLite with the registry's tables, one for the bucket, and a clock that stands until it is moved. */
export class ModelDatabase {
  now = 1_000_000_000; // seconds since the epoch
  readonly #sqlite = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  constructor() {
    this.#sqlite.function('unixepoch', { directOnly: false }, () => this.now);
    for (const file of readdirSync(MIGRATIONS).sort()) {
      this.#sqlite.exec(readFileSync(join(MIGRATIONS, file), 'utf8'));
    }
    this.#sqlite.exec(
      'CREATE TABLE objects (key TEXT PRIMARY KEY, digest TEXT, written_at INTEGER) WITHOUT ROWID',
    );
  }

  run<Row = Record<string, unknown>>(sql: string, ...parameters: readonly Parameter[]): Row[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    const named = Object.fromEntries(parameters.map((value, index) => [`?${index + 1}`, value]));
    return (parameters.length === 0 ? statement.all() : statement.all(named)) as Row[];
  }

  /** Everything or nothing, as a batch of D1. */
  transaction<T>(work: () => T): T {
    this.begin();
    try {
      const result = work();
      this.#exec(`RELEASE s${this.#depth}`);
      this.#depth -= 1;
      return result;
    } catch (error) {
      this.undo();
      throw error;
    }
  }

  /** A number that is another whenever something was written. */
  get writes(): number {
    return this.run<{ count: number }>('SELECT total_changes() AS count')[0]?.count ?? 0;
  }

  /** A state to come back to by {@link undo}. */
  begin(): void {
    this.#depth += 1;
    this.#exec(`SAVEPOINT s${this.#depth}`);
  }

  undo(): void {
    this.#exec(`ROLLBACK TO s${this.#depth}`);
    this.#exec(`RELEASE s${this.#depth}`);
    this.#depth -= 1;
  }

  #exec(sql: string): void {
    this.#sqlite.exec(sql);
  }
}

/** The part of D1 that storage/metadata/database.ts asks; each query and batch is one step. */
export function modelD1(database: ModelDatabase, gate: Gate): D1Database {
  const rows = ({ sql, parameters }: Bound) => {
    try {
      return { results: database.run(sql, ...parameters), meta: { served_by_primary: true } };
    } catch (error) {
      const { message } = error as Error;
      const isExpected = /FOREIGN KEY constraint failed|guard failed/.test(message);
      throw isExpected ? error : new Error(`SQLITE_ERROR: ${message} in ${sql}`);
    }
  };
  const d1 = {
    prepare: (sql: string) => ({
      bind: (...parameters: Parameter[]) => ({
        sql,
        parameters,
        all: () => gate.call('query', () => rows({ sql, parameters })),
      }),
    }),
    batch: (statements: Bound[]) =>
      gate.call('batch', () => database.transaction(() => statements.map(rows))),
    withSession: () => d1,
  };
  return d1 as unknown as D1Database;
}

/** The part of R2 that storage/blob-store.ts asks, for contents that are their digests. */
export function modelR2(database: ModelDatabase, gate: Gate): R2Bucket {
  const head = (key: string) => {
    const [object] = database.run<{ digest: string }>(
      'SELECT digest FROM objects WHERE key = ?1',
      key,
    );
    return object === undefined
      ? null
      : { checksums: { toJSON: () => ({ sha256: object.digest }) } };
  };
  const r2 = {
    put: (key: string, _content: unknown, { sha256 }: { sha256: string }) =>
      gate.call('R2 put', () => {
        const isNew = head(key) === null;
        database.run(
          'INSERT OR IGNORE INTO objects VALUES (?1, ?2, ?3)',
          key,
          sha256,
          database.now,
        );
        return isNew ? {} : null;
      }),
    head: (key: string) => gate.call('R2 head', () => head(key)),
    delete: (keys: string[]) =>
      gate.call('R2 delete', () => {
        database.run(
          'DELETE FROM objects WHERE key IN (SELECT value FROM json_each(?1))',
          JSON.stringify(keys),
        );
      }),
    list: ({ prefix }: { prefix: string }) =>
      gate.call('R2 list', () => ({
        truncated: false,
        objects: database
          .run<{ key: string; written_at: number }>('SELECT key, written_at FROM objects')
          .filter(({ key }) => key.startsWith(prefix))
          .map(({ key, written_at }) => ({ key, size: 1, uploaded: new Date(written_at * 1000) })),
      })),
  };
  return r2 as unknown as R2Bucket;
}
