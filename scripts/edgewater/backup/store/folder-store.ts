import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { StoredBlob } from '../format.ts';
import { type BackupStore, BlobGone, type ReadFrom, wrongBytes } from './backup-store.ts';
import { haveDigest } from './blob-digest.ts';

const READ_SIZE = 2 ** 20; // bytes

/** Backups in a folder, with blobs as in an OCI layout: "blobs/sha256/<hex>". */
export class FolderStore implements BackupStore {
  readonly name: string;

  constructor(folder: string) {
    this.name = folder;
  }

  nameOf(file: string): string {
    return join(this.name, file);
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        return [];
      }
      throw error;
    });
    return names.sort();
  }

  read(file: string): Readable {
    return createReadStream(this.nameOf(file));
  }

  async write(file: string, source: Readable): Promise<void> {
    const path = this.nameOf(file);
    const draft = `${path}.part`;
    await mkdir(this.name, { recursive: true, mode: 0o700 });
    try {
      await pipeline(source, createWriteStream(draft, { mode: 0o600, flush: true }));
      await rename(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async hasBlob({ digest, size }: StoredBlob): Promise<boolean> {
    return (await sizeOf(this.#blobFile(digest))) === size;
  }

  readBlob({ digest }: StoredBlob): AsyncIterable<Buffer> {
    return createReadStream(this.#blobFile(digest), { highWaterMark: READ_SIZE });
  }

  /** What an earlier call has brought of it is gone on with. */
  async saveBlob({ digest, size }: StoredBlob, read: ReadFrom): Promise<void> {
    const file = this.#blobFile(digest);
    const draft = `${file}.part`;
    await mkdir(dirname(file), { recursive: true });
    for (let offset = (await sizeOf(draft)) ?? 0; ; offset = 0) {
      if (offset <= size) {
        await this.#append(draft, read, offset);
        if (await haveDigest(createReadStream(draft, { highWaterMark: READ_SIZE }), digest)) {
          await rename(draft, file);
          return;
        }
      }
      await rm(draft);
      // What an earlier call has left may be what is wrong.
      if (offset === 0) {
        throw wrongBytes(digest);
      }
    }
  }

  concernsAll(error: unknown): boolean {
    return typeof (error as NodeJS.ErrnoException).syscall === 'string';
  }

  close(): void {}

  async #append(draft: string, read: ReadFrom, offset: number): Promise<void> {
    try {
      await pipeline(
        read(offset),
        createWriteStream(draft, { flags: 'a', mode: 0o600, flush: true }),
      );
    } catch (error) {
      if (error instanceof BlobGone) {
        await rm(draft, { force: true });
      }
      throw error;
    }
  }

  #blobFile(digest: string): string {
    const [algorithm = '', encoded = ''] = digest.split(':', 2);
    return join(this.name, 'blobs', algorithm, encoded);
  }
}

/** Bytes of a file, or null when it is not there. */
async function sizeOf(file: string): Promise<number | null> {
  const found = await stat(file).catch(() => null);
  return found?.size ?? null;
}
