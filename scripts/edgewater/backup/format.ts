/** What a backup consists of: docs/backup.md. */

/** The names of files with metadata. */
export const METADATA_FILE = /^metadata-.+\.jsonl\.gz$/;

/** The first line. */
export interface Header {
  format: string;
  version: number;
  id: string;
  schema: string;
  takenAt: string;
  tables: string[];
}

/** A row of the database: columns by name, and of a manifest the lists of what it names. */
export type Row = Record<string, string | number | null | string[]>;

/** The lines after the first; the last one counts the rows of each table. */
export type Line = { table: string; row: Row } | { end: true; rows: Record<string, number> };

/** An object of the bucket that a backup needs. */
export interface StoredBlob {
  key: string;
  digest: string;
  size: number; // bytes
}

/** As much of the row of a blob as its bytes need. */
export function toStoredBlob({ r2_key, digest, size }: Row): StoredBlob {
  return { key: String(r2_key), digest: String(digest), size: Number(size) };
}
