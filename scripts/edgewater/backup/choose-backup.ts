import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RefusalError } from '../errors.ts';
import { readHeader, type UnpackedMetadata, unpackMetadata } from './read-metadata.ts';

/** A backup that was read. */
export interface ChosenBackup {
  file: string;
  metadata: UnpackedMetadata;
}

/** The files with the metadata of backups in a folder, the oldest first; none when it is not there. */
export async function backupsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return [];
    }
    throw error;
  });
  return names
    .filter((name) => /^metadata-.+\.jsonl\.gz$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Reads the backup that `path` names. Of a folder it is the one whose restore is under way, or else the
 * newest.
 *
 * @param underWay the id of the backup whose restore is under way
 * @throws RefusalError when the newest one has nothing in it and an older one has
 */
export async function chooseBackup(
  path: string,
  underWay: string | null,
  scratch: string,
): Promise<ChosenBackup> {
  if (!(await stat(path)).isDirectory()) {
    return { file: path, metadata: await unpackMetadata(path, scratch) };
  }
  const files = await backupsIn(path);
  const newest = files.at(-1);
  if (newest === undefined) {
    throw new RefusalError(`${path} has no file metadata-….jsonl.gz, so it is no backup`);
  }
  const begun = underWay === null ? null : await findById(files, underWay);
  const file = begun ?? newest;
  const metadata = await unpackMetadata(file, scratch);
  if (begun === null && isEmpty(metadata)) {
    await refuseForOlder(files, scratch);
  }
  return { file, metadata };
}

async function findById(files: readonly string[], id: string): Promise<string | null> {
  for (const file of files.toReversed()) {
    if ((await readHeader(file).catch(() => null))?.id === id) {
      return file;
    }
  }
  return null;
}

async function refuseForOlder(files: readonly string[], scratch: string): Promise<void> {
  const [newest, ...older] = files.toReversed();
  for (const file of older) {
    const room = await mkdtemp(join(scratch, 'older-'));
    const metadata = await unpackMetadata(file, room).catch(() => null);
    if (metadata !== null && !isEmpty(metadata)) {
      throw new RefusalError(
        `${newest} is the newest backup and has no manifests, but ${file} has ` +
          `${metadata.counts.manifests}; name the file to restore instead of the folder`,
      );
    }
  }
}

function isEmpty({ counts }: UnpackedMetadata): boolean {
  return (counts.manifests ?? 0) === 0;
}
