/** Equal parts of 8 MiB: 52,000 MiB (Amazon ECR's limit for a layer) are 6,500 of R2's 10,000. */
export const PART_SIZE = 8 * 2 ** 20; // bytes

const FIRST_CAPACITY = 64 * 2 ** 10; // bytes: most blobs of a registry are small

/** The bytes of an upload that do not fill a part yet. Its memory grows up to one part. */
export class PartBuffer {
  #memory = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === PART_SIZE;
  }

  /** The bytes held. The view is good until the next change. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#memory.subarray(0, this.#length);
  }

  /** Copies in as many of `bytes` as fit the part: the ones that did not. */
  append(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, PART_SIZE - this.#length);
    this.#reserve(this.#length + taken.byteLength);
    this.#memory.set(taken, this.#length);
    this.#length += taken.byteLength;
    return bytes.subarray(taken.byteLength);
  }

  /** Hands the bytes over and starts again, in `memory` if the caller has some to spare. */
  take(memory?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const taken = this.bytes;
    this.#memory = memory ?? new Uint8Array(FIRST_CAPACITY);
    this.#length = 0;
    return taken;
  }

  /** Gives back the memory that holds nothing. */
  compact(): void {
    this.#memory = this.bytes.slice();
  }

  #reserve(length: number): void {
    if (length <= this.#memory.byteLength) {
      return;
    }
    let capacity = Math.max(this.#memory.byteLength, FIRST_CAPACITY);
    while (capacity < length) {
      capacity *= 4;
    }
    const memory = new Uint8Array(Math.min(capacity, PART_SIZE));
    memory.set(this.bytes);
    this.#memory = memory;
  }
}
