import { createHash, type Hash } from 'node:crypto';
import { type Digest, type DigestAlgorithm, digestOf } from '../oci/digest.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { discard } from '../streams/discard.ts';
import { bodyBrokeOff } from './body-broke-off.ts';
import { PartBuffer } from './part-buffer.ts';
import type { UploadRecord } from './upload-record.ts';

/** How much is read before it counts: a cut connection loses no more than this. */
const READ_SIZE = 256 * 2 ** 10; // bytes

/** A sender that needs longer than this for {@link READ_SIZE} has stopped. */
export const STALL_TIMEOUT = 120_000; // milliseconds

const PART_ATTEMPTS = 3;

/**
 * The bytes of one session on their way to R2: read, hashed and cut into parts, one of which is
 * stored while the next one fills (16 MiB in all). After an eviction it goes on from the record,
 * without the hash if parts are in R2 already.
 */
export class PartWriter {
  readonly #record: UploadRecord;
  readonly #blobs: BlobStore;
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash | null;
  readonly #buffer = new PartBuffer();
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #reading: { reader: ReadableStreamBYOBReader; since: number } | null = null;
  #storing: Promise<void> | null = null;

  constructor(record: UploadRecord, algorithm: DigestAlgorithm, blobs: BlobStore) {
    this.#record = record;
    this.#blobs = blobs;
    this.#algorithm = algorithm;
    for (const chunk of record.tail()) {
      this.#buffer.append(chunk);
    }
    this.#hash = record.partCount === 0 ? createHash(algorithm).update(this.#buffer.bytes) : null;
  }

  /** A copy of the bytes after the last part. */
  get tail(): Uint8Array<ArrayBuffer> {
    return this.#buffer.bytes.slice();
  }

  /** The digest of all bytes so far, or null when only the finished object can tell. */
  digest(algorithm: DigestAlgorithm): Digest | null {
    if (this.#hash !== null && algorithm === this.#algorithm) {
      return `${algorithm}:${this.#hash.copy().digest('hex')}` as Digest;
    }
    return this.#record.partCount === 0 ? digestOf(this.#buffer.bytes, algorithm) : null;
  }

  /**
   * Appends the first `limit` bytes of a body; false when it has more. What arrived is kept, and durable
   * when this returns or throws the first error; after any other the writer is of no use.
   *
   * @throws BLOB_UPLOAD_INVALID when the body breaks off or stalls, BLOB_UPLOAD_UNKNOWN, UNAVAILABLE
   */
  async receive(body: ReadableStream<Uint8Array>, limit: number): Promise<boolean> {
    try {
      return await this.#readAll(body, limit);
    } finally {
      this.#reading = null;
      await this.#storing;
      this.#record.addTail(this.#buffer.bytes.subarray(this.#record.tailLength));
      this.#buffer.compact(); // an idle session holds its tail and no more
      this.#spare = undefined;
    }
  }

  /**
   * Gives up the body that is being received, if its sender has not brought {@link READ_SIZE} within
   * `patience` milliseconds. False when there is none, or its sender sends.
   */
  giveUp(patience: number): boolean {
    if (this.#reading === null || Date.now() - this.#reading.since < patience) {
      return false;
    }
    this.#reading.reader.cancel('the sender is gone').catch(() => {});
    return true;
  }

  /**
   * Stores the tail as the last part, which may be shorter than the others: from here on the
   * record's offset is not the upload's.
   *
   * @throws BLOB_UPLOAD_UNKNOWN, UNAVAILABLE
   */
  async flush(): Promise<void> {
    if (this.#buffer.length > 0) {
      await this.#storePart(this.#buffer.take().slice());
    }
  }

  async #readAll(body: ReadableStream<Uint8Array>, limit: number): Promise<boolean> {
    const reader = body.getReader({ mode: 'byob' });
    let memory = new Uint8Array(READ_SIZE);
    for (let room = limit; ; ) {
      this.#reading = { reader, since: Date.now() };
      const { value, done } = await readChunk(reader, memory).catch(() => {
        throw bodyBrokeOff(limit - room);
      });
      this.#reading = null;
      if (value !== undefined) {
        await this.#write(value.subarray(0, room));
        if (value.byteLength > room) {
          reader.releaseLock();
          await discard(body);
          return false;
        }
        room -= value.byteLength;
        memory = new Uint8Array(value.buffer);
      }
      if (done) {
        return true;
      }
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash?.update(bytes);
    for (let rest = bytes; rest.byteLength > 0; ) {
      rest = this.#buffer.append(rest);
      if (this.#buffer.isFull) {
        await this.#rotate();
      }
    }
  }

  /** Stores the full part in the background, after the one before it, and starts the next. */
  async #rotate(): Promise<void> {
    await this.#storing;
    const full = this.#buffer.take(this.#spare);
    this.#storing = this.#storePart(full).then(() => {
      this.#spare = full;
    });
    this.#storing.catch(() => {}); // whoever awaits it next learns of it
  }

  async #storePart(bytes: Uint8Array): Promise<void> {
    const multipartId = await this.#startMultipart();
    const number = this.#record.partCount + 1;
    for (let attempt = 1; ; attempt++) {
      try {
        this.#record.addPart(
          await this.#blobs.putPart(this.#record.requireRow().key, multipartId, number, bytes),
        );
        return;
      } catch (error) {
        if (attempt === PART_ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  async #startMultipart(): Promise<string> {
    const { multipartId, key } = this.#record.requireRow();
    if (multipartId !== null) {
      return multipartId;
    }
    const started = await this.#blobs.createMultipart(key);
    this.#record.save({ ...this.#record.requireRow(), multipartId: started });
    return started;
  }
}

/** Fills `memory` unless the body ends first; gives it back as `value.buffer`. @throws when it breaks off */
async function readChunk(reader: ReadableStreamBYOBReader, memory: Uint8Array<ArrayBuffer>) {
  let isStalled = false;
  const stall = setTimeout(() => {
    isStalled = true;
    reader.cancel('the sender stalled').catch(() => {});
  }, STALL_TIMEOUT);
  try {
    const chunk = await reader.readAtLeast(memory.byteLength, memory);
    if (isStalled) {
      throw new Error('the sender stalled');
    }
    return chunk;
  } finally {
    clearTimeout(stall);
  }
}
