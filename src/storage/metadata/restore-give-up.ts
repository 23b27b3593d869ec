import { ConstraintError, type Database, type Statement } from './database.ts';
import { guardPhase, OWN_CREDENTIALS, type RestoreState } from './restore-state.ts';

/** Rows of one batch; of manifests fewer, for triggers copy their bodies. */
const ROWS = 500;
const ROWS_WITH_BODIES = 100;

/** Batches of one step, of two statements each: the tables, which may all be empty, and as many again. */
const MAX_BATCHES = 80;

/**
 * What a restore that is given up has brought, in an order in which nothing is named by what is left: what
 * forbids that tags go comes first, and what triggers make of the others after them.
 */
const BROUGHT = [
  ...['credentials', 'trust_rules', 'members', 'robots', 'users', 'tag_rules', 'replications'],
  ...['upstreams', 'retention_policies', 'tag_history', 'upstream_tags', 'tags', 'pulls'],
  ...['unfetched_content', 'manifest_children', 'manifest_blobs'],
  ...['deleted_manifest_blobs', 'deleted_manifests', 'manifests'],
  ...['deleted_manifests', 'forgotten_subjects', 'repository_blobs'],
  ...['collection_queue', 'blobs', 'repositories', 'namespaces'],
] as const;

/**
 * A registry into which a backup goes may have credentials of its administrator. Others that were made
 * since the restore began are those of users whom it has brought.
 */
const IS_OWN = `(id IN (SELECT value FROM progress, json_each(state) WHERE job = '${OWN_CREDENTIALS}')
  OR created_at >= ?2 AND trust_rule IS NULL
    AND principal NOT IN (SELECT name FROM users UNION ALL SELECT name FROM robots))`;

/** Takes back what a restore has brought. */
export class RestoreGiveUpMetadata {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Deletes some of the rows that a restore which was given up has brought. The objects stay, without a
   * row: the next restore may need them. True when all of it is gone; false when there may be more, or
   * somebody else takes it as well.
   */
  async takeBrought(state: RestoreState): Promise<boolean> {
    const keys = await this.#keys();
    const statements = [
      ...BROUGHT.map((table) => deleteRows(table, keys.get(table) ?? '', state)),
      deleteEntries(state),
    ];
    let batches = 0;
    for (const { statement, limit } of statements) {
      for (let taken: number | null = limit; taken === limit; batches++) {
        taken = batches < MAX_BATCHES ? await this.#take(state, statement) : null;
        if (taken === null) {
          return false;
        }
      }
    }
    return true;
  }

  /** The columns of each table's key, as SQL. */
  async #keys(): Promise<Map<string, string>> {
    const rows = await this.#database.all<{ table: string; key: string }>(
      `SELECT "table", group_concat(name, ', ') AS key
       FROM (SELECT DISTINCT tables.value AS "table", info.name
         FROM json_each(?1) AS tables, pragma_table_info(tables.value) AS info WHERE info.pk > 0)
       GROUP BY "table"`,
      JSON.stringify(BROUGHT),
    );
    return new Map(rows.map(({ table, key }) => [table, key]));
  }

  /** How many rows; null when the restore is gone, or a blob that arrived meanwhile names one of them. */
  async #take(state: RestoreState, statement: Statement): Promise<number | null> {
    try {
      const results = await this.#database.batch([guardPhase(state, 'given up'), statement]);
      return results[1]?.length ?? 0;
    } catch (error) {
      if (error instanceof ConstraintError) {
        return null;
      }
      throw error;
    }
  }
}

interface Deletion {
  statement: Statement;
  limit: number; // rows
}

function deleteRows(table: string, key: string, { begunAt }: RestoreState): Deletion {
  const limit = table.endsWith('manifests') ? ROWS_WITH_BODIES : ROWS;
  const isOfCredentials = table === 'credentials';
  const some = `SELECT ${key} FROM ${table} ${isOfCredentials ? `WHERE NOT ${IS_OWN}` : ''} LIMIT ?1`;
  return {
    statement: [
      `DELETE FROM ${table} WHERE (${key}) IN (${some}) RETURNING 1`,
      limit,
      ...(isOfCredentials ? [begunAt] : []),
    ],
    limit,
  };
}

/** Entries of the audit log. */
function deleteEntries({ own, audit }: RestoreState): Deletion {
  return {
    statement: [
      `DELETE FROM audit WHERE id IN (
         SELECT id FROM audit WHERE id > ?1 AND id < ?2 LIMIT ?3) RETURNING 1`,
      own,
      audit,
      ROWS,
    ],
    limit: ROWS,
  };
}
