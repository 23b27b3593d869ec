/** Where clients wait while the registry does not run. */
export class Gate {
  #closed: { opened: Promise<void>; open: () => void } | null = null;

  close(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed ??= { opened: promise, open: resolve };
  }

  open(): void {
    this.#closed?.open();
    this.#closed = null;
  }

  opened(): Promise<void> {
    return this.#closed?.opened ?? Promise.resolve();
  }
}
