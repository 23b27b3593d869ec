import { EXPORTED } from '../../storage/metadata/backup-tables.ts';
import type { DatabaseState } from '../../storage/metadata/export.ts';

/** What this program writes, and the only version that it reads. */
export const FORMAT = 'edgewater-metadata';
export const FORMAT_VERSION = 1;

/** The first line of a backup. */
export interface BackupHeader {
  format: string;
  version: number;
  id: string;
  schema: string; // the last migration of the database
  takenAt: string; // RFC 3339: when it began
  tables: string[]; // in the order of the lines
}

/** The first line of a backup that begins now. */
export function newHeader({ schema, now }: DatabaseState): BackupHeader {
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    id: crypto.randomUUID(),
    schema,
    takenAt: new Date(now * 1000).toISOString(),
    tables: [...EXPORTED],
  };
}
