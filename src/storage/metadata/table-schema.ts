import type { Database } from './database.ts';

/** The key of another table that columns of this one refer to. */
export interface ForeignKey {
  table: string;
  columns: readonly { from: string; to: string }[];
}

/** What the database says of one of its tables. */
export interface TableSchema {
  columns: readonly string[];
  types: Readonly<Record<string, string>>; // by column: INTEGER or TEXT
  key: readonly string[];
  foreignKeys: readonly ForeignKey[];
}

interface ColumnInfo {
  name: string;
  type: string;
  pk: number; // its place in the key, from 1; 0 when it is none of it
}

interface ForeignKeyInfo {
  id: number;
  table: string;
  from: string;
  to: string;
}

/** Reads the schema of a table whose name this program has written. https://www.sqlite.org/pragma.html */
export async function readTableSchema(database: Database, table: string): Promise<TableSchema> {
  const [columns = [], foreignKeys = []] = (await database.batch([
    [`PRAGMA table_info(${table})`],
    [`PRAGMA foreign_key_list(${table})`],
  ])) as [ColumnInfo[], ForeignKeyInfo[]];
  const keys = Map.groupBy(foreignKeys, ({ id }) => id);
  return {
    columns: columns.map(({ name }) => name),
    types: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
    key: columns
      .filter(({ pk }) => pk > 0)
      .sort((one, other) => one.pk - other.pk)
      .map(({ name }) => name),
    foreignKeys: Array.from(keys.values(), (parts) => ({
      table: parts[0]?.table ?? '',
      columns: parts.map(({ from, to }) => ({ from, to })),
    })),
  };
}
