import { type Actor, record } from './audit.ts';
import {
  type BackupRow,
  DERIVED,
  EDGES,
  type EdgeTable,
  type ExportedTable,
  KEPT,
} from './backup-tables.ts';
import type { Database } from './database.ts';
import { readTableSchema, type TableSchema } from './table-schema.ts';

/** The values of the key of a row: where a page ends. */
export type RowKey = readonly (string | number)[];

/** Rows of a table, and where the next page goes on; null at the end. */
export interface RowPage {
  rows: BackupRow[];
  next: RowKey | null;
}

/** The state of a database, as a backup begins with it. */
export interface DatabaseState {
  schema: string; // its last migration
  now: number; // seconds since the epoch
}

const MAX_ROWS = 500;

/** Bodies of manifests in one page: whoever reads it has it in memory several times. */
const MAX_BODIES = 4 * 2 ** 20; // bytes

/** Reads what a backup has: see {@link EXPORTED} for the order. */
export class ExportMetadata {
  readonly #database: Database;
  readonly #schemas = new Map<string, Promise<TableSchema>>();

  constructor(database: Database) {
    this.#database = database;
  }

  async state(): Promise<DatabaseState> {
    const state = await this.#database.first<DatabaseState>(
      "SELECT unixepoch() AS now, coalesce((SELECT max(name) FROM d1_migrations), '') AS schema",
    );
    return state ?? { schema: '', now: 0 };
  }

  /** Notes that somebody reads everything. */
  async recordBackup(actor: Actor, id: string): Promise<void> {
    await this.#database.batch([record(actor, { event: 'backup.begin', target: id })]);
  }

  /** Whether there is anything that is worth a copy. */
  async hasRepositories(): Promise<boolean> {
    return (await this.#database.first('SELECT 1 FROM repositories LIMIT 1')) !== null;
  }

  /** True for the values of a key of the table. */
  async isKey(table: ExportedTable, after: RowKey): Promise<boolean> {
    return (await this.#schemaOf(table)).key.length === after.length;
  }

  /** Some rows after a key, or from the first on; the lists of a manifest are of the same moment. */
  async page(table: ExportedTable, after: RowKey | null): Promise<RowPage> {
    const schema = await this.#schemaOf(table);
    const edges = EDGES[table] ?? [];
    const left = DERIVED[table] ?? [];
    const columns = [
      ...schema.columns.filter((column) => !left.includes(column)),
      ...edges.map((edge) => selectEdges(table, edge)),
    ];
    const place = placeAfter(table, schema.key, after);
    const limit = schema.columns.includes('body')
      ? await this.#limitByBodies(table, place, after ?? [])
      : MAX_ROWS;
    const found = await this.#database.all<Record<string, string | number | null>>(
      `SELECT ${columns.join(', ')} FROM ${table} ${place} LIMIT ${limit}`,
      ...(after ?? []),
    );
    const last = found.at(-1);
    return {
      rows: found.map((row) => withLists(row, edges)),
      next:
        last === undefined || found.length < limit
          ? null
          : schema.key.map((column) => last[column] as string | number),
    };
  }

  /** How many of the next manifests are small enough together; one at least. */
  async #limitByBodies(table: ExportedTable, place: string, after: RowKey): Promise<number> {
    const sizes = await this.#database.all<{ size: number }>(
      `SELECT size FROM ${table} ${place} LIMIT ${MAX_ROWS}`,
      ...after,
    );
    let sum = 0;
    const fitting = sizes.findIndex(({ size }) => {
      sum += size;
      return sum > MAX_BODIES;
    });
    return fitting === -1 ? MAX_ROWS : Math.max(fitting, 1);
  }

  #schemaOf(table: ExportedTable): Promise<TableSchema> {
    const known = this.#schemas.get(table);
    if (known !== undefined) {
      return known;
    }
    const schema = readTableSchema(this.#database, table);
    this.#schemas.set(table, schema);
    return schema;
  }
}

function selectEdges(table: ExportedTable, edge: EdgeTable): string {
  return `(SELECT json_group_array(${edge.target}) FROM ${edge.table} AS edges
    WHERE edges.repository_id = ${table}.repository_id AND edges.${edge.owner} = ${table}.digest
  ) AS ${edge.field}`;
}

/** The text behind FROM: rows after a key, whose values are ?1, ?2, …, in its order. */
function placeAfter(table: ExportedTable, key: readonly string[], after: RowKey | null): string {
  const columns = key.join(', ');
  const values = key.map((_, at) => `?${at + 1}`).join(', ');
  const isAfter = after === null ? 'true' : `(${columns}) > (${values})`;
  return `WHERE ${isAfter} AND ${KEPT[table] ?? 'true'} ORDER BY ${columns}`;
}

function withLists(
  row: Readonly<Record<string, string | number | null>>,
  edges: readonly EdgeTable[],
): BackupRow {
  const lists = edges.map(({ field }) => [field, JSON.parse(String(row[field]))]);
  return { ...row, ...Object.fromEntries(lists) };
}
