import { RegistryError } from '../../oci/errors.ts';
import { type ExportedTable, isExported } from '../../storage/metadata/backup-tables.ts';

export { RESTORED } from '../../storage/metadata/backup-tables.ts';
export { SPARE } from '../../storage/metadata/restore-end.ts';

/** Reads the name of a table that a backup has. @throws ACCOUNT_UNKNOWN */
export function parseTable(name: string): ExportedTable {
  if (!isExported(name)) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'a backup has no such table');
  }
  return name;
}
