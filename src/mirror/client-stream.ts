/** How far one client may be behind the upstream. */
const MAX_BEHIND = 4 * 2 ** 20; // bytes

/** How far all clients of an isolate may: it has 128 MB. With more each has to take what it was given. */
const MAX_BEHIND_TOGETHER = 32 * 2 ** 20; // bytes

/**
 * For how long a client may keep the upstream waiting, in all: a moment, and longer the more it takes. A
 * blob is then stored within the day that its intent lasts.
 */
const PATIENCE = 10_000; // milliseconds
const SLOWEST = 256; // bytes a millisecond

let behindTogether = 0; // bytes, of this isolate

/** Opens what is stored by then, from a byte on. */
export type Reopen = (offset: number) => Promise<ReadableStream<Uint8Array>>;

/**
 * What the first client reads while it is fetched. It sets the pace as long as nobody else waits; one
 * that is too slow then, or stands still, is let go of and reads the rest from the store when it is there.
 * The end is held back until all is known to be right: nobody gets the whole of something wrong.
 */
export class ClientStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #reopen: Reopen;
  #queue: Uint8Array[] = [];
  #queued = 0; // bytes
  #taken = 0; // bytes
  #waited = 0; // milliseconds that the upstream was kept waiting
  #isLetGo = false;
  #isGone = false;
  #end: 'stored' | Error | null = null;
  #rest: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(reopen: Reopen) {
    this.#reopen = reopen;
    this.readable = new ReadableStream({
      type: 'bytes',
      pull: (controller) => this.#pull(controller),
      cancel: async () => {
        this.#isGone = true;
        this.#clear();
        await this.#rest?.cancel();
      },
    });
  }

  /** Gives the client a copy of what arrived. Resolves when more may come. */
  async push(bytes: Uint8Array, isAlone: () => boolean): Promise<void> {
    if (this.#isGone || this.#isLetGo) {
      return;
    }
    this.#queue.push(bytes.slice());
    this.#count(bytes.byteLength);
    this.#wake();
    while (this.#isTooFarBehind && !this.#isGone) {
      if (!isAlone() || this.#waited >= PATIENCE + this.#taken / SLOWEST) {
        this.#isLetGo = true;
        this.#clear();
        return;
      }
      const since = Date.now();
      await Promise.race([this.#changed.promise, scheduler.wait(1000)]);
      this.#waited += Date.now() - since;
    }
  }

  get #isTooFarBehind(): boolean {
    return this.#queued > (behindTogether > MAX_BEHIND_TOGETHER ? 0 : MAX_BEHIND);
  }

  #count(bytes: number): void {
    this.#queued += bytes;
    behindTogether += bytes;
  }

  /** All of it is stored and right. */
  stored(): void {
    this.#end = 'stored';
    this.#wake();
  }

  /** It is not what it should be, or does not come: the client's answer breaks off. */
  fail(error: Error): void {
    this.#end = error;
    this.#clear();
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    while (this.#queue.length < 2 && this.#end === null) {
      await this.#changed.promise;
    }
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#count(-next.byteLength);
      this.#take(controller, next);
      return;
    }
    if (this.#end instanceof Error) {
      throw this.#end;
    }
    if (!this.#isLetGo) {
      controller.close();
      controller.byobRequest?.respond(0);
      return;
    }
    this.#rest ??= (await this.#reopen(this.#taken)).getReader();
    if (this.#isGone) {
      await this.#rest.cancel();
      return;
    }
    const { value, done } = await this.#rest.read();
    if (done) {
      controller.close();
      controller.byobRequest?.respond(0);
    } else {
      this.#take(controller, value);
    }
  }

  #take(controller: ReadableByteStreamController, bytes: Uint8Array): void {
    this.#taken += bytes.byteLength;
    controller.enqueue(bytes);
    this.#wake();
  }

  #clear(): void {
    this.#queue = [];
    this.#count(-this.#queued);
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
