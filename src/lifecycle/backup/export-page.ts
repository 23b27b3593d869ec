import type { BackupRow, ExportedTable } from '../../storage/metadata/backup-tables.ts';
import type { RowKey, RowPage } from '../../storage/metadata/export.ts';
import type { Stores } from '../../storage/stores.ts';

/** Rows of a table after a key, with the bodies of large manifests, which R2 has. */
export async function exportPage(
  { metadata, blobs }: Stores,
  table: ExportedTable,
  after: RowKey | null,
): Promise<RowPage> {
  const { rows, next } = await metadata.export.page(table, after);
  const whole: BackupRow[] = [];
  for (const row of rows) {
    const isInBucket = row.body === null && typeof row.r2_key === 'string';
    // A body that the bucket has lost stays null: the rest can be saved, and whoever reads this is told.
    whole.push(isInBucket ? { ...row, body: await blobs.text(String(row.r2_key)) } : row);
  }
  return { rows: whole, next };
}
