import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { BackupStore } from './backup-store.ts';
import { FolderStore } from './folder-store.ts';

/** Backups, and the file of the one that was named. */
export interface NamedBackup {
  store: BackupStore;
  file: string | null; // null when all of the store was named
}

/** Opens what somebody names to restore from: a place for backups, or the metadata file of one. */
export async function openBackup(path: string): Promise<NamedBackup> {
  return (await stat(path)).isDirectory()
    ? { store: new FolderStore(path), file: null }
    : { store: new FolderStore(dirname(path)), file: basename(path) };
}
