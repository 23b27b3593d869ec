import { RegistryError } from '../../oci/errors.ts';

/** A statement with its numbered parameters (?1, ?2, …): at most 100, so lists go in as one JSON. */
export type Statement = readonly [sql: string, ...parameters: (string | number | null)[]];

/** Whom to ask: a replica may be behind, and still have what was deleted. */
export type Source = 'replica' | 'primary';

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
 * D1 with typed rows and typed failures: {@link ConstraintError}; QUOTA_OF_BYTES_EXCEEDED,
 * QUOTA_OF_REPOSITORIES_EXCEEDED, NAME_UNKNOWN, TAG_IMMUTABLE or RESTORE_UNDER_WAY, which no explanation of another
 * constraint may catch; or UNAVAILABLE when the database did not answer and the request may be repeated.
 */
export class Database {
  readonly #d1: D1Database;

  constructor(d1: D1Database) {
    this.#d1 = d1;
  }

  /**
   * As {@link first}, from the source given: a read replica near here is asked first, and the primary
   * when that has no such row. https://developers.cloudflare.com/d1/best-practices/read-replication/
   */
  async firstFrom<Row>(source: Source, ...statement: Statement): Promise<Row | null> {
    if (source === 'primary') {
      return this.first<Row>(...statement);
    }
    const session = this.#d1.withSession('first-unconstrained');
    const { results, meta } = await answer(prepare(session, statement).all<Row>());
    return results[0] ?? (meta.served_by_primary ? null : this.first<Row>(...statement));
  }

  async first<Row>(...statement: Statement): Promise<Row | null> {
    return (await this.all<Row>(...statement))[0] ?? null;
  }

  async all<Row>(...statement: Statement): Promise<Row[]> {
    return (await answer(prepare(this.#d1, statement).all<Row>())).results;
  }

  /** Runs statements as one transaction: the rows that each returned. */
  async batch(statements: readonly Statement[]): Promise<unknown[][]> {
    const prepared = statements.map((statement) => prepare(this.#d1, statement));
    return (await answer(this.#d1.batch(prepared))).map((result) => result.results);
  }
}

function prepare(
  d1: Pick<D1Database, 'prepare'>,
  [sql, ...parameters]: Statement,
): D1PreparedStatement {
  return d1.prepare(sql).bind(...parameters);
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
    if (message.includes('quota of bytes exceeded')) {
      throw new RegistryError('QUOTA_OF_BYTES_EXCEEDED');
    }
    if (message.includes('quota of repositories exceeded')) {
      throw new RegistryError('QUOTA_OF_REPOSITORIES_EXCEEDED');
    }
    if (message.includes('pushes make no repositories')) {
      throw new RegistryError(
        'NAME_UNKNOWN',
        'there is no such repository, and its namespace makes none on push: a maintainer of it makes ' +
          'one with "edgewater repo create", or restores one that was deleted',
      );
    }
    if (message.includes('tag is immutable')) {
      throw new RegistryError('TAG_IMMUTABLE');
    }
    if (message.includes('restore is under way')) {
      throw new RegistryError('RESTORE_UNDER_WAY');
    }
    if (/SQLITE_(?:ERROR|CONSTRAINT|TOOBIG|MISMATCH)/.test(message)) {
      throw error; // a fault in a statement of ours, which repeating cannot mend
    }
    console.error('D1 failed:', error);
    throw new RegistryError('UNAVAILABLE', undefined, { cause: error });
  }
}
