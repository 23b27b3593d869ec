import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { RefusalError } from '../errors.ts';
import { METADATA_FILE } from './format.ts';
import { readHeader, type UnpackedMetadata, unpackMetadata } from './read-metadata.ts';
import type { BackupStore } from './store/backup-store.ts';

/** A backup that was read. */
export interface ChosenBackup {
  file: string;
  metadata: UnpackedMetadata;
}

/** The files with the metadata of backups, the oldest first. */
export async function backupsIn(store: BackupStore): Promise<string[]> {
  return (await store.list()).filter((name) => METADATA_FILE.test(name));
}

/**
 * Reads a backup: the one whose restore is under way, or else the newest.
 *
 * @param underWay the id of the backup whose restore is under way
 * @throws RefusalError when the newest one has nothing in it and an older one has
 */
export async function chooseBackup(
  store: BackupStore,
  underWay: string | null,
  scratch: string,
): Promise<ChosenBackup> {
  const files = await backupsIn(store);
  const newest = files.at(-1);
  if (newest === undefined) {
    throw new RefusalError(`${store.name} has no file metadata-….jsonl.gz, so it is no backup`);
  }
  const begun = underWay === null ? null : await findById(store, files, underWay);
  const file = begun ?? newest;
  const metadata = await unpackMetadata(store, file, scratch);
  if (begun === null && isEmpty(metadata)) {
    await refuseForOlder(store, files, scratch);
  }
  return { file, metadata };
}

async function findById(
  store: BackupStore,
  files: readonly string[],
  id: string,
): Promise<string | null> {
  for (const file of files.toReversed()) {
    if ((await readHeader(store, file).catch(() => null))?.id === id) {
      return file;
    }
  }
  return null;
}

async function refuseForOlder(
  store: BackupStore,
  files: readonly string[],
  scratch: string,
): Promise<void> {
  const [newest = '', ...older] = files.toReversed();
  for (const file of older) {
    const room = await mkdtemp(join(scratch, 'older-'));
    const metadata = await unpackMetadata(store, file, room).catch(() => null);
    if (metadata !== null && !isEmpty(metadata)) {
      throw new RefusalError(
        `${store.nameOf(newest)} is the newest backup and has no manifests, but ${store.nameOf(file)} ` +
          `has ${metadata.counts.manifests}; name that file to restore`,
      );
    }
  }
}

function isEmpty({ counts }: UnpackedMetadata): boolean {
  return (counts.manifests ?? 0) === 0;
}
