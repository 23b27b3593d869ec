import type { Database } from './database.ts';

/** Where work that takes several runs goes on: a state in JSON for each job. */
export class ProgressMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What {@link save} was given last, or null. */
  async find<State>(job: string): Promise<State | null> {
    const row = await this.#database.first<{ state: string }>(
      'SELECT state FROM progress WHERE job = ?1',
      job,
    );
    return row === null ? null : JSON.parse(row.state);
  }

  async save(job: string, state: unknown): Promise<void> {
    await this.#database.all(
      `INSERT INTO progress (job, state) VALUES (?1, ?2)
       ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
      job,
      JSON.stringify(state),
    );
  }

  /** As {@link save}, if the state is still `before`; false when somebody else was faster. */
  async replace(job: string, before: unknown, after: unknown): Promise<boolean> {
    const saved = await this.#database.first(
      `INSERT INTO progress (job, state) SELECT ?1, ?3
       WHERE ?2 = 'null' OR EXISTS (SELECT 1 FROM progress WHERE job = ?1)
       ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at
         WHERE state = ?2
       RETURNING job`,
      job,
      JSON.stringify(before),
      JSON.stringify(after),
    );
    return saved !== null;
  }
}
