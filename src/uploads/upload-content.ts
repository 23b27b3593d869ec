import type { ByteRange } from '../oci/byte-range.ts';
import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { type BlobStore, found, MAX_SINGLE_PUT } from '../storage/blob-store.ts';
import { bodyBrokeOff } from './body-broke-off.ts';
import { PartWriter, STALL_TIMEOUT } from './part-writer.ts';
import type { UploadRecord } from './upload-record.ts';

/** Amazon ECR's: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html */
const MAX_BLOB_SIZE = 52_000 * 2 ** 20; // bytes

/** A sender slower than 32 kB/s is not waited for: one that hangs would block its session. */
const MIN_BYTES_PER_MILLISECOND = 32;

/** A body to append. `first` and `last` are what its Content-Range claims, in bytes from 0. */
export interface Chunk {
  body: ReadableStream<Uint8Array>;
  length: number | null; // bytes, when announced
  range: ByteRange | null;
}

/** What a chunk says that it brings, in bytes; null when it does not say. */
export function announcedLength({ length, range }: Chunk): number | null {
  return range === null ? length : range.last - range.first + 1;
}

/** The bytes of one session: from the bodies of its requests to one verified object in R2. */
export class UploadContent {
  readonly #record: UploadRecord;
  readonly #blobs: BlobStore;
  #writer: PartWriter | null = null;

  constructor(record: UploadRecord, blobs: BlobStore) {
    this.#record = record;
    this.#blobs = blobs;
  }

  /**
   * Appends a chunk at the end. What arrived of one that fails is kept.
   *
   * @param most what the upload may have in all, in bytes, for a chunk that announces no length
   * @returns false when the chunk has more than that
   * @throws BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID, SIZE_INVALID, UPLOAD_TOO_LARGE, UNAVAILABLE
   */
  async append(chunk: Chunk, most: number): Promise<boolean> {
    const { offset } = this.#record;
    const announced = announcedLength(chunk);
    if (offset + (announced ?? 0) > MAX_BLOB_SIZE) {
      throw new RegistryError('UPLOAD_TOO_LARGE');
    }
    const limit = announced ?? Math.max(Math.min(most, MAX_BLOB_SIZE) - offset, 0);
    const isWhole = await this.#write((writer) => writer.receive(chunk.body, limit));
    if (announced !== null && (!isWhole || this.#record.offset !== offset + announced)) {
      const how = isWhole ? 'shorter' : 'longer';
      throw new RegistryError('SIZE_INVALID', `the body is ${how} than announced`);
    }
    if (!isWhole && most >= MAX_BLOB_SIZE) {
      throw new RegistryError('UPLOAD_TOO_LARGE');
    }
    return isWhole;
  }

  /** Gives up a sender who hangs; see {@link PartWriter.giveUp}. */
  giveUpSender(patience: number): boolean {
    return this.#writer?.giveUp(patience) ?? false;
  }

  /** The digest of what was appended, or null when only {@link readBack} can tell. */
  digest(algorithm: DigestAlgorithm): Digest | null {
    return this.#openWriter().digest(algorithm);
  }

  /** True for a chunk that can go to R2 in one piece: known length, nothing before it. */
  isWhole(chunk: Chunk): chunk is Chunk & { length: number } {
    const { length, range } = chunk;
    return (
      this.#record.offset === 0 &&
      length !== null &&
      length <= MAX_SINGLE_PUT &&
      (range === null || (range.first === 0 && range.last === length - 1))
    );
  }

  /**
   * Streams a body to R2, which verifies the digest. When it fails nothing is stored.
   *
   * @throws DIGEST_INVALID, BLOB_UPLOAD_INVALID when the body breaks off, UNAVAILABLE
   */
  async putWhole(body: ReadableStream, length: number, digest: Digest): Promise<void> {
    const whole = new FixedLengthStream(length); // R2 wants to know the length beforehand
    const putting = this.#blobs.put(this.#record.requireRow().key, whole.readable, digest);
    const stalled = new AbortController();
    const timer = setTimeout(() => stalled.abort(), patience(length));
    const piping = body.pipeTo(whole.writable, { signal: stalled.signal });
    // Each may fail first and then take the other with it.
    const failure = await Promise.race([
      putting.then(() => null),
      piping.then(
        () => putting.then(() => null),
        () => bodyBrokeOff(length),
      ),
    ]).catch((error: unknown) => error);
    clearTimeout(timer);
    if (failure !== null) {
      await whole.readable.cancel().catch(() => {}); // R2 may not have touched it
      await Promise.allSettled([putting, piping]);
      throw failure;
    }
    if (!(await putting)) {
      throw new RegistryError('DIGEST_INVALID', `the body does not have the digest ${digest}`);
    }
  }

  /**
   * Makes one object of what was appended. `digest` is what {@link digest} said. Safe to repeat.
   * False when that can never succeed, for a request that a crash cut off wrote something else.
   *
   * @throws BLOB_UPLOAD_UNKNOWN, UNAVAILABLE
   */
  async store(digest: Digest | null): Promise<boolean> {
    if (digest !== null && this.#record.partCount === 0) {
      return this.#write((writer) =>
        this.#blobs.put(this.#record.requireRow().key, writer.tail, digest),
      );
    }
    await this.#write((writer) => writer.flush());
    const { key, multipartId } = this.#record.requireRow();
    if (multipartId === null) {
      throw new Error('an upload with parts has no multipart id');
    }
    return this.#blobs.completeMultipart(key, multipartId, this.#record.parts());
  }

  /** The digest of the stored object, of which every byte is read. */
  async readBack(algorithm: DigestAlgorithm): Promise<Digest> {
    const { key } = this.#record.requireRow();
    return found(await this.#blobs.measure(key, algorithm), key).digest;
  }

  /** Forgets bytes that are stored. */
  clear(): void {
    this.#writer = null;
    this.#record.clearContent();
  }

  /** Lends the writer; one that may have lost bytes of the record is thrown away. */
  async #write<T>(use: (writer: PartWriter) => Promise<T>): Promise<T> {
    try {
      return await use(this.#openWriter());
    } catch (thrown) {
      if (!isBodyError(thrown)) {
        this.#writer = null;
      }
      throw thrown;
    }
  }

  #openWriter(): PartWriter {
    this.#writer ??= new PartWriter(this.#record, this.#record.requireRow().algorithm, this.#blobs);
    return this.#writer;
  }
}

/** How long a body may take: the stall timeout, and what the slowest line needs. Milliseconds. */
function patience(length: number): number {
  return STALL_TIMEOUT + length / MIN_BYTES_PER_MILLISECOND;
}

function isBodyError(thrown: unknown): boolean {
  return thrown instanceof RegistryError && thrown.error === 'BLOB_UPLOAD_INVALID';
}
