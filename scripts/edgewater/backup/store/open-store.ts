import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type BucketOptions, isBucket, parseBucket } from '../../bucket/bucket-address.ts';
import { BucketClient } from '../../bucket/bucket-client.ts';
import { credentialsOfEnvironment } from '../../bucket/bucket-credentials.ts';
import { METADATA_FILE } from '../format.ts';
import type { BackupStore } from './backup-store.ts';
import { BucketStore } from './bucket-store.ts';
import { FolderStore } from './folder-store.ts';

/** How to reach a store. */
export interface StoreOptions extends BucketOptions {
  onRetry: (why: string) => void; // is told of what goes wrong and is tried again
}

/** Backups, and the file of the one that was named. */
export interface NamedBackup {
  store: BackupStore;
  file: string | null; // null when all of the store was named
}

/** Opens a place for backups: a folder, or "s3://bucket/prefix". @throws RefusalError, UsageError */
export function openStore(place: string, options: StoreOptions): BackupStore {
  if (!isBucket(place)) {
    return new FolderStore(place);
  }
  const address = parseBucket(place, options);
  return new BucketStore(new BucketClient(address, credentialsOfEnvironment(), options.onRetry));
}

/** Opens what somebody names to restore from: a place for backups, or the metadata file of one. */
export async function openBackup(place: string, options: StoreOptions): Promise<NamedBackup> {
  const isFile = isBucket(place)
    ? METADATA_FILE.test(basename(place))
    : !(await stat(place)).isDirectory();
  return isFile
    ? { store: openStore(dirname(place), options), file: basename(place) }
    : { store: openStore(place, options), file: null };
}
