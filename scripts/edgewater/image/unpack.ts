import { createReadStream } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Unpack } from 'tar';
import { RefusalError } from '../errors.ts';
import { ImageFolder } from './image-folder.ts';

const MAX_ENTRIES = 100_000;

/**
 * Unpacks a tar archive, gzipped or not, of somebody who may mean harm: files and folders alone, none
 * of them outside, and no more than the disk has room for. Links are not made but remembered.
 *
 * @param archive a path or a stream
 * @throws RefusalError when it is no such archive
 */
export async function unpack(
  archive: string | Readable,
  folder: string,
  signal: AbortSignal,
): Promise<ImageFolder> {
  const links = new Map<string, string>();
  const { bavail, bsize } = await statfs(folder);
  let room = bavail * bsize; // bytes
  let entries = 0;
  const unpacking: Unpack = new Unpack({
    cwd: folder,
    strict: true,
    noMtime: true,
    filter(path, entry) {
      entries += 1;
      room -= entry.size;
      if (entries > MAX_ENTRIES) {
        unpacking.abort(new Error(`it has more than ${MAX_ENTRIES} entries, as no image does`));
      } else if (room < 0) {
        unpacking.abort(new Error(`there is no room for it in ${folder}; set TMPDIR`));
      }
      const { type, linkpath = '' } = entry as { type?: string; linkpath?: string };
      if (type === 'SymbolicLink' || type === 'Link') {
        const base = type === 'Link' ? '.' : posix.dirname(path);
        links.set(posix.normalize(path), posix.normalize(posix.join(base, linkpath)));
      }
      return type === 'File' || type === 'OldFile' || type === 'Directory';
    },
  });
  const source = typeof archive === 'string' ? createReadStream(archive) : archive;
  await pipeline(source, unpacking as unknown as NodeJS.WritableStream, { signal }).catch(
    (error: Error) => {
      signal.throwIfAborted();
      throw new RefusalError(`the archive cannot be unpacked: ${error.message}`);
    },
  );
  return new ImageFolder(folder, links);
}
