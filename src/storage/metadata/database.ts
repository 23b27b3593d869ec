import { RegistryError } from '../../oci/errors.ts';

/** A statement with its numbered parameters (?1, ?2, …): at most 100, so lists go in as one JSON. */
export type Statement = readonly [sql: string, ...parameters: (string | number | null)[]];

/** The database refused a batch, and rolled it back, because an invariant would have broken. */
export class ConstraintError extends Error {
  override readonly name = 'ConstraintError';
  /** A row that something else names, or a name without its row; or an `INSERT INTO guard`. */
  readonly constraint: 'foreign key' | 'guard';

  constructor(constraint: 'foreign key' | 'guard') {
    super(`${constraint} does not hold`);
    this.constraint = constraint;
  }
}

/**
 * D1 with typed rows and typed failures: {@link ConstraintError}, or UNAVAILABLE when the database
 * did not answer and the request may be repeated.
 */
export class Database {
  readonly #d1: D1Database;
  readonly #queries: Pick<D1Database, 'prepare' | 'batch'>;

  constructor(d1: D1Database, queries: Pick<D1Database, 'prepare' | 'batch'> = d1) {
    this.#d1 = d1;
    this.#queries = queries;
  }

  /**
   * As {@link first}, for a row that never changes: as a read replica near here has it, or the
   * primary, if the replica does not. https://developers.cloudflare.com/d1/best-practices/read-replication/
   */
  async firstNearby<Row>(...statement: Statement): Promise<Row | null> {
    const nearby = new Database(this.#d1, this.#d1.withSession('first-unconstrained'));
    return (await nearby.first<Row>(...statement)) ?? this.first<Row>(...statement);
  }

  async first<Row>(...statement: Statement): Promise<Row | null> {
    return (await this.all<Row>(...statement))[0] ?? null;
  }

  async all<Row>(...statement: Statement): Promise<Row[]> {
    return (await answer(this.#prepare(statement).all<Row>())).results;
  }

  /** Runs statements as one transaction: the rows that each returned. */
  async batch(statements: readonly Statement[]): Promise<unknown[][]> {
    const prepared = statements.map((statement) => this.#prepare(statement));
    return (await answer(this.#queries.batch(prepared))).map((result) => result.results);
  }

  #prepare([sql, ...parameters]: Statement): D1PreparedStatement {
    return this.#queries.prepare(sql).bind(...parameters);
  }
}

async function answer<T>(pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    const message = String(error);
    if (message.includes('FOREIGN KEY constraint failed')) {
      throw new ConstraintError('foreign key');
    }
    if (message.includes('guard failed')) {
      throw new ConstraintError('guard');
    }
    if (/SQLITE_(?:ERROR|CONSTRAINT|TOOBIG|MISMATCH)/.test(message)) {
      throw error; // a fault in a statement of ours, which repeating cannot mend
    }
    console.error('D1 failed:', error);
    throw new RegistryError('UNAVAILABLE');
  }
}
