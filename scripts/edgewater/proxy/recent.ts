/** A map that forgets: what was not used for a while, and the oldest when there is too much. */
export class Recent<Value> {
  readonly #entries = new Map<string, { value: Value; usedAt: number }>();
  readonly #capacity: number;
  readonly #lifetime: number; // milliseconds

  constructor(capacity: number, lifetime: number) {
    this.#capacity = capacity;
    this.#lifetime = lifetime;
  }

  get(key: string): Value | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.usedAt + this.#lifetime < Date.now()) {
      return null;
    }
    this.set(key, entry.value);
    return entry.value;
  }

  /** Whoever is set or got is the newest: the map is in order of use. */
  set(key: string, value: Value): void {
    const now = Date.now();
    this.#entries.delete(key);
    this.#entries.set(key, { value, usedAt: now });
    for (const [oldest, { usedAt }] of this.#entries) {
      if (this.#entries.size <= this.#capacity && usedAt + this.#lifetime >= now) {
        return;
      }
      this.#entries.delete(oldest);
    }
  }
}
