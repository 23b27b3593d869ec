/** The statements that put rows of a backup back. ?1 is JSON: a list of rows. */
import { type BackupRow, EDGES, type EdgeTable, type ExportedTable } from './backup-tables.ts';
import type { Database, Statement } from './database.ts';
import type { RestoreState } from './restore-state.ts';
import { type ForeignKey, readTableSchema, type TableSchema } from './table-schema.ts';

/** What the restore itself makes before the row comes, and what of it the row knows better. */
const MADE_BEFORE: Readonly<Partial<Record<ExportedTable, readonly string[] | 'all'>>> = {
  blobs: ['created_at'],
  repository_blobs: ['linked_at'],
  namespaces: 'all', // made by a trigger with their repositories
};

/** Columns besides the key without which it is another row: its id may be somebody else's here. */
const IDENTITY: Readonly<Partial<Record<ExportedTable, readonly string[]>>> = {
  repositories: ['name', 'namespace'],
};

const value = (column: string) => `rows.value ->> '${column}'`;

/** Adds rows whose foreign keys hold, with what their manifests name. */
export async function insertRows(
  database: Database,
  table: ExportedTable,
  schema: TableSchema,
  columns: readonly string[],
  rows: readonly BackupRow[],
): Promise<Statement[]> {
  const edges = EDGES[table] ?? [];
  const conditions = schema.foreignKeys.map((key) => holds(key, value));
  const links: string[] = [];
  for (const edge of edges) {
    const { foreignKeys } = await readTableSchema(database, edge.table);
    const keys = foreignKeys.filter(({ columns }) =>
      columns.some(({ from }) => from === edge.target),
    );
    conditions.push(...keys.map((key) => allHold(edge, key)));
    links.push(insertEdges(table, edge));
  }
  const hasBody = columns.includes('body');
  const insert = `INSERT INTO ${table} (${columns.join(', ')})
    SELECT ${columns.map((column) => (column === 'body' ? '?2' : value(column))).join(', ')}
    FROM json_each(?1) AS rows WHERE ${['true', ...conditions].join(' AND ')}
    ON CONFLICT ${onConflict(table, schema, columns)}`;
  const all = JSON.stringify(rows.map(withoutBody));
  return [
    ...(hasBody
      ? rows.map((row): Statement => [insert, JSON.stringify([withoutBody(row)]), textOf(row.body)])
      : [[insert, all] satisfies Statement]),
    ...links.map((sql): Statement => [sql, all]),
    ...(columns.includes('r2_key') ? [takeFromTrash(table, all)] : []),
  ];
}

/** Finds those of the rows that are not there: their places. */
export function refusedOf(
  table: ExportedTable,
  { key }: TableSchema,
  rows: readonly BackupRow[],
): Statement {
  const columns = [...key, ...(IDENTITY[table] ?? [])];
  const isIt = columns.map((column) => `present.${column} = ${value(column)}`).join(' AND ');
  const sought = rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column, row[column]])),
  );
  return [
    `SELECT rows.key AS place FROM json_each(?1) AS rows
     WHERE NOT EXISTS (SELECT 1 FROM ${table} AS present WHERE ${isIt})`,
    JSON.stringify(sought),
  ];
}

/**
 * Gives entries of the audit log, and the history of tags, which has their ids, those that they have here: in
 * their order, behind the entries from before the restore, such as the login of the one who restores. 0 is
 * history from before there was a log.
 */
export function shiftIds(
  table: ExportedTable,
  rows: readonly BackupRow[],
  { own }: RestoreState,
): readonly BackupRow[] {
  return table === 'audit' || table === 'tag_history'
    ? rows.map((row) => (row.id === 0 ? row : { ...row, id: Number(row.id) + own }))
    : rows;
}

/** Adds entries of the audit log. */
export function insertAudit(columns: readonly string[], rows: readonly BackupRow[]): Statement {
  return [
    `INSERT INTO audit (${columns.join(', ')})
     SELECT ${columns.map(value).join(', ')} FROM json_each(?1) AS rows
     WHERE NOT EXISTS (SELECT 1 FROM audit AS present WHERE present.id = ${value('id')})`,
    JSON.stringify(rows),
  ];
}

/** The condition that a foreign key holds: of a row whose columns `of` writes. */
function holds({ table, columns }: ForeignKey, of: (column: string) => string): string {
  const isNull = columns.map(({ from }) => `${of(from)} IS NULL`);
  const isIt = columns.map(({ from, to }) => `parents.${to} = ${of(from)}`);
  return `(${isNull.join(' OR ')} OR EXISTS (SELECT 1 FROM ${table} AS parents WHERE ${isIt.join(' AND ')}))`;
}

/** The condition that all which a manifest names is there. */
function allHold({ field, target }: EdgeTable, key: ForeignKey): string {
  const of = (column: string) => (column === target ? 'edges.value' : value(column));
  return `NOT EXISTS (SELECT 1 FROM json_each(rows.value, '$.${field}') AS edges
    WHERE NOT ${holds(key, of)})`;
}

function insertEdges(
  table: ExportedTable,
  { field, table: edges, owner, target }: EdgeTable,
): string {
  return `INSERT INTO ${edges} (repository_id, ${owner}, ${target})
    SELECT ${value('repository_id')}, ${value('digest')}, edges.value
    FROM json_each(?1) AS rows, json_each(rows.value, '$.${field}') AS edges
    WHERE EXISTS (SELECT 1 FROM ${table} AS owners
      WHERE owners.repository_id = ${value('repository_id')} AND owners.digest = ${value('digest')})
    ON CONFLICT DO NOTHING`;
}

/** Objects that were taken for orphans while the database did not know them. */
function takeFromTrash(table: ExportedTable, rows: string): Statement {
  return [
    `DELETE FROM trash WHERE r2_key IN (SELECT ${value('r2_key')} FROM json_each(?1) AS rows)
       AND EXISTS (SELECT 1 FROM ${table} WHERE ${table}.r2_key = trash.r2_key)`,
    rows,
  ];
}

function onConflict(
  table: ExportedTable,
  { key }: TableSchema,
  columns: readonly string[],
): string {
  const known = MADE_BEFORE[table] ?? [];
  const better = columns.filter(
    (column) => !key.includes(column) && (known === 'all' || known.includes(column)),
  );
  return better.length === 0
    ? 'DO NOTHING'
    : `(${key.join(', ')}) DO UPDATE SET ${better.map((column) => `${column} = excluded.${column}`).join(', ')}`;
}

/** A body may be as long as a parameter of D1, which is why it is one of its own. */
function withoutBody({ body: _, ...row }: BackupRow): BackupRow {
  return row;
}

function textOf(body: BackupRow[string] | undefined): string | null {
  return typeof body === 'string' ? body : null;
}
