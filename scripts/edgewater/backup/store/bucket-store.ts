import { Readable } from 'node:stream';
import type { BucketClient } from '../../bucket/bucket-client.ts';
import { BucketError } from '../../bucket/bucket-error.ts';
import { listObjects } from '../../bucket/list-objects.ts';
import { PART_SIZE, partSizeFor, uploadObject } from '../../bucket/upload-object.ts';
import { RefusalError } from '../../errors.ts';
import { readVerified } from '../../image/content.ts';
import { ChunkReader, SourceError } from '../../upload/chunk-reader.ts';
import type { StoredBlob } from '../format.ts';
import { type BackupStore, type ReadFrom, wrongBytes } from './backup-store.ts';

/** What S3 says when it is one object that cannot be had, or made. */
const OF_ONE_OBJECT = new Set(['NoSuchKey', 'NoSuchUpload']);

/** Backups in a bucket, with the keys that the files of a folder would have. */
export class BucketStore implements BackupStore {
  readonly name: string;
  readonly #client: BucketClient;
  #files: Promise<Map<string, number>> | null = null; // bytes by key
  #blobs: Promise<Map<string, number>> | null = null;

  constructor(client: BucketClient) {
    this.name = client.name;
    this.#client = client;
  }

  nameOf(file: string): string {
    return `${this.name}/${file}`;
  }

  async list(): Promise<string[]> {
    return [...(await this.#sizesOfFiles()).keys()].sort();
  }

  read(file: string): Readable {
    return Readable.from(this.#readFile(file));
  }

  async write(file: string, source: Readable): Promise<void> {
    await this.#upload(file, source, PART_SIZE);
  }

  async hasBlob({ digest, size }: StoredBlob): Promise<boolean> {
    return (await this.#sizesOfBlobs()).get(keyOf(digest)) === size;
  }

  readBlob({ digest, size }: StoredBlob): AsyncIterable<Buffer> {
    return this.#client.read(keyOf(digest), size);
  }

  async saveBlob({ digest, size }: StoredBlob, read: ReadFrom): Promise<void> {
    const content = { digest, size, read: () => read(0) };
    await this.#upload(keyOf(digest), readVerified(content, wrongBytes(digest)), partSizeFor(size));
    (await this.#sizesOfBlobs()).set(keyOf(digest), size);
  }

  concernsAll(error: unknown): boolean {
    return error instanceof BucketError && !OF_ONE_OBJECT.has(error.code ?? '');
  }

  close(): void {
    this.#client.close();
  }

  async *#readFile(file: string): AsyncGenerator<Buffer> {
    const size = (await this.#sizesOfFiles()).get(file);
    if (size === undefined) {
      throw new RefusalError(`${this.nameOf(file)} is not there`);
    }
    yield* this.#client.read(file, size);
  }

  async #upload(key: string, source: AsyncIterable<Buffer>, partSize: number): Promise<void> {
    try {
      await uploadObject(this.#client, key, new ChunkReader(source, partSize));
    } catch (error) {
      throw error instanceof SourceError ? error.cause : error;
    }
  }

  #sizesOfFiles(): Promise<Map<string, number>> {
    this.#files ??= listObjects(this.#client, '', '/');
    return this.#files;
  }

  /** One list instead of a question for each blob. */
  #sizesOfBlobs(): Promise<Map<string, number>> {
    this.#blobs ??= listObjects(this.#client, 'blobs/');
    return this.#blobs;
  }
}

function keyOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}
