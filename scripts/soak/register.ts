/** A change that was asked for and not answered yet. */
export interface Change<Value> {
  value: Value;
  before: ReadonlySet<Value>;
  isAlone: boolean; // so far
}

/**
 * What one thing in the registry may be, as far as its clients can know: a change that was answered is
 * certain, unless another one was under way at the same time; one that was cut off may have happened.
 */
export class Register<Value> {
  #possible: Set<Value>;
  readonly #changes = new Set<Change<Value>>();
  #version = 0;

  constructor(value: Value) {
    this.#possible = new Set([value]);
  }

  /** Another number after each change that was begun or ended. */
  get version(): number {
    return this.#version;
  }

  may(value: Value): boolean {
    return this.#possible.has(value);
  }

  is(value: Value): boolean {
    return this.#possible.size === 1 && this.#possible.has(value);
  }

  /** The one thing that it can be. */
  get certain(): Value | undefined {
    return this.#possible.size === 1 ? [...this.#possible][0] : undefined;
  }

  get possible(): readonly Value[] {
    return [...this.#possible];
  }

  begin(value: Value): Change<Value> {
    const change = { value, before: new Set(this.#possible), isAlone: this.#changes.size === 0 };
    for (const other of this.#changes) {
      other.isAlone = false;
    }
    this.#changes.add(change);
    this.#possible.add(value);
    this.#version += 1;
    return change;
  }

  end(change: Change<Value>, outcome: 'done' | 'refused' | 'unknown'): void {
    this.#changes.delete(change);
    if (outcome !== 'unknown' && change.isAlone) {
      this.#possible = outcome === 'done' ? new Set([change.value]) : new Set(change.before);
    }
    this.#version += 1;
  }

  /** What a read has seen that began at `version`: it counts when nothing has changed since. */
  observe(value: Value, version: number): void {
    if (version === this.#version && this.#changes.size === 0) {
      this.#possible = new Set([value]);
    }
  }

  /** It may have become this as well. */
  admit(value: Value): void {
    this.#possible.add(value);
  }
}
