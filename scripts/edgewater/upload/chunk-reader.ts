/** The sender of a body went away, or what it reads from broke. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** Some of a body. The bytes are good until the next one is returned: its successor fills their memory. */
export interface Chunk {
  bytes: Buffer;
  isLast: boolean;
}

/**
 * Cuts a stream into chunks of one size; only the last may have less, and an empty stream is one
 * empty chunk. While one chunk is on its way the next one fills, so it has the memory of two, and the
 * stream is not read any further.
 */
export class ChunkReader {
  readonly #size: number;
  readonly #pieces: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0); // what was read and is in no chunk yet
  #memory: Buffer | null = null;
  #otherMemory: Buffer | null = null;
  #next: Promise<Chunk> | null = null;

  constructor(source: AsyncIterable<Buffer>, size: number) {
    this.#size = size;
    this.#pieces = source[Symbol.asyncIterator]();
  }

  /** @throws SourceError when the source breaks off */
  async next(): Promise<Chunk> {
    const chunk = await (this.#next ?? this.#fill());
    this.#next = chunk.isLast ? null : this.#fill();
    this.#next?.catch(() => {}); // whoever asks for it learns of it
    return chunk;
  }

  async #fill(): Promise<Chunk> {
    const memory = this.#memory ?? Buffer.allocUnsafeSlow(this.#size); // untouched it costs nothing
    this.#memory = this.#otherMemory;
    this.#otherMemory = memory;
    for (let length = 0; ; ) {
      if (this.#piece.length === 0 && !(await this.#read())) {
        return { bytes: memory.subarray(0, length), isLast: true };
      }
      if (length === this.#size && this.#piece.length > 0) {
        return { bytes: memory, isLast: false };
      }
      const copied = this.#piece.copy(memory, length);
      length += copied;
      this.#piece = this.#piece.subarray(copied);
    }
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#pieces.next().catch((error: unknown) => {
      throw new SourceError(error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    });
    this.#piece = done ? Buffer.alloc(0) : value;
    return !done;
  }
}
