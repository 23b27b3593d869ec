import { ConstraintError, type Database, type Statement } from './database.ts';

/** Rolls its batch back unless the query finds something. */
export function guardFound(query: string, ...parameters: (string | null)[]): Statement {
  return [`INSERT INTO guard SELECT EXISTS (${query})`, ...parameters];
}

/** Rolls its batch back if the query finds something. */
export function guardFree(query: string, ...parameters: (string | null)[]): Statement {
  return [`INSERT INTO guard SELECT NOT EXISTS (${query})`, ...parameters];
}

/** Runs a batch as one transaction: false, and nothing has changed, when a guard or a key forbids it. */
export async function runGuarded(
  database: Database,
  statements: readonly Statement[],
): Promise<boolean> {
  try {
    await database.batch(statements);
    return true;
  } catch (error) {
    if (error instanceof ConstraintError) {
      return false;
    }
    throw error;
  }
}
