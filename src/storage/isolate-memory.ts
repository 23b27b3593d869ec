interface Entry<Value> {
  value: Value;
  size: number; // bytes
  until: number; // milliseconds since the epoch
}

/**
 * What one isolate remembers, up to a number of bytes; what was not asked for the longest goes first.
 * It is gone with the isolate, and no other isolate sees it.
 */
export class IsolateMemory<Value> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry<Value>>(); // the most recently used last
  #size = 0;

  /** `capacity` is in bytes, as callers of {@link set} count them. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      return undefined;
    }
    if (entry.until <= Date.now()) {
      this.delete(key);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Remembers a value of `size` bytes until a time (milliseconds since the epoch). */
  set(key: string, value: Value, size: number, until = Number.POSITIVE_INFINITY): void {
    this.delete(key);
    this.#entries.set(key, { value, size, until });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#capacity) {
        return;
      }
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#size -= entry.size;
    }
  }
}
