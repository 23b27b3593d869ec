import type { Readable } from 'node:stream';
import { RefusalError } from '../../errors.ts';
import type { StoredBlob } from '../format.ts';

/** Reads bytes of something from an offset to its end. */
export type ReadFrom = (offset: number) => AsyncIterable<Buffer>;

/**
 * A place where backups live: the files of each one beside each other, and blobs, which all of them share,
 * by digest. What is in it has come to it whole: a file or a blob that breaks off on its way is not there.
 */
export interface BackupStore {
  /** What people call it. */
  readonly name: string;

  /** What people call a file of it. */
  nameOf(file: string): string;

  /** Its files without the blobs, in the order of their names; none when there is no such place yet. */
  list(): Promise<string[]>;

  read(file: string): Readable;

  /** Makes a file of what `source` has, when that comes to its end. Only its owner should see it. */
  write(file: string, source: Readable): Promise<void>;

  /** Whether it has a blob of that digest and size. It had its digest when it came. */
  hasBlob(blob: StoredBlob): Promise<boolean>;

  readBlob(blob: StoredBlob): AsyncIterable<Buffer>;

  /**
   * Keeps a blob, in the place of a damaged one if need be.
   *
   * @throws RefusalError when what `read` brings has another digest, and what that throws
   */
  saveBlob(blob: StoredBlob, read: ReadFrom): Promise<void>;

  /** Whether an error is of the store itself, its disk for one: what else goes there would fail too. */
  concernsAll(error: unknown): boolean;

  /** Lets connections go. */
  close(): void;
}

/** Thrown by a {@link ReadFrom}: what it was to read is not there any more. */
export class BlobGone extends Error {
  override readonly name = 'BlobGone';
}

/** What to say when the registry has other bytes for a blob than its digest says. */
export function wrongBytes(digest: string): RefusalError {
  return new RefusalError(`${digest} has other bytes in the registry: "edgewater scrub" says more`);
}
