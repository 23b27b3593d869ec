import { waitUntil } from 'cloudflare:workers';
import type { ByteRange } from '../oci/byte-range.ts';
import { type BlobStore, found } from './blob-store.ts';
import { type EdgeCache, MAX_CACHED_SIZE } from './edge-cache.ts';
import type { Isolate } from './isolate.ts';
import { contentCacheKey } from './keys.ts';

/** Content that R2 has under `key`. */
export interface StoredContent {
  key: string;
  size: number; // bytes
}

export type Content = Uint8Array | ReadableStream<Uint8Array>;

/** Configs, manifests and small layers: what pulls ask for most often, and last. */
const MAX_IN_MEMORY = 64 * 2 ** 10; // bytes

/** Up to this much is read whole, and once, for the one who asked and for the cache. */
const MAX_BUFFERED = 2 ** 20; // bytes

/**
 * Above that the cache is filled by a read of its own: a client never waits for the cache, nor the
 * cache for a slow client. It begins when the first client is served, or else after this.
 */
const FILL_DELAY = 5_000; // milliseconds

/** The last bytes of the first client are out by then: a fill can keep workerd from sending them. */
const FILL_PAUSE = 50; // milliseconds

/** After this another fill tries whether the cache keeps what it is given: behind Access it does not. */
const FILL_BREAK = 10 * 60_000; // milliseconds

/** A fill that the runtime cut off does not tell. */
const FILL_TIMEOUT = 120_000; // milliseconds

/**
 * The bytes of content, from as near as they are: the memory of this isolate, the edge cache, R2.
 * Whoever asks has to know that the reader may have them; here nobody looks. What is in R2 is
 * remembered by its key: content that was damaged and is mended has another, and so is read anew.
 */
export class ContentStore {
  readonly #isolate: Isolate;
  readonly #blobs: BlobStore;
  readonly #cache: EdgeCache;

  constructor(isolate: Isolate, blobs: BlobStore, cache: EdgeCache) {
    this.#isolate = isolate;
    this.#blobs = blobs;
    this.#cache = cache;
  }

  /**
   * The bytes of content, or a range of them.
   *
   * @throws UNAVAILABLE; Error when the bucket has lost it
   */
  async open(content: StoredContent, range: ByteRange | null): Promise<Content> {
    const { key, size } = content;
    if (size === 0) {
      return new Uint8Array();
    }
    const near = await this.find(key, size, range);
    if (near !== null) {
      return near;
    }
    return size <= MAX_BUFFERED
      ? slice(await this.#readWhole(content), range)
      : this.#stream(content, range);
  }

  /** What memory or the edge cache has under a key of R2, or the digest of what is not there; or null. */
  async find(name: string, size: number, range: ByteRange | null): Promise<Content | null> {
    const known = this.#isolate.content.get(name);
    if (known !== undefined) {
      return slice(known, range);
    }
    if (size > MAX_CACHED_SIZE) {
      return null;
    }
    if (size > MAX_IN_MEMORY) {
      return this.#cache.open(contentCacheKey(name), range);
    }
    const bytes = await this.#cache.bytes(contentCacheKey(name));
    return bytes?.byteLength !== size ? null : slice(this.#remember(name, bytes), range);
  }

  /** Keeps small content that was read elsewhere. */
  keep(name: string, bytes: Uint8Array): void {
    if (this.#isolate.content.get(name) === undefined) {
      this.#remember(name, bytes);
      waitUntil(this.#put(name, bytes));
    }
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    await scheduler.wait(FILL_PAUSE);
    await this.#cache.put(contentCacheKey(name), bytes, bytes.byteLength);
  }

  async #readWhole({ key }: StoredContent): Promise<Uint8Array> {
    const bytes = found(await this.#blobs.bytes(key), key);
    this.keep(key, bytes);
    return bytes;
  }

  async #stream(
    content: StoredContent,
    range: ByteRange | null,
  ): Promise<ReadableStream<Uint8Array>> {
    const { key, size } = content;
    const { first, last } = range ?? { first: 0, last: size - 1 };
    const length = last - first + 1;
    const { body, served } = found(await this.#blobs.openRange(key, first, length), key);
    if (size <= MAX_CACHED_SIZE && this.#mayFill(key)) {
      this.#isolate.filling.set(key, true, 1, Date.now() + FILL_TIMEOUT);
      waitUntil(this.#fill(content, served));
    }
    return body;
  }

  #mayFill(key: string): boolean {
    const { filling, fillsPausedUntil } = this.#isolate;
    return (
      this.#cache.isAvailable && filling.get(key) === undefined && fillsPausedUntil <= Date.now()
    );
  }

  async #fill({ key, size }: StoredContent, served: Promise<void>): Promise<void> {
    try {
      await Promise.race([
        served.then(() => scheduler.wait(FILL_PAUSE)),
        scheduler.wait(FILL_DELAY),
      ]);
      const { body } = found(await this.#blobs.openRange(key, 0, size), key);
      await this.#cache.put(contentCacheKey(key), body, size);
      if (!(await this.#cache.has(contentCacheKey(key)))) {
        this.#isolate.fillsPausedUntil = Date.now() + FILL_BREAK;
      }
    } catch (error) {
      console.error(`${key} was not cached:`, error);
    } finally {
      this.#isolate.filling.delete(key);
    }
  }

  #remember(name: string, bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength <= MAX_IN_MEMORY) {
      this.#isolate.content.set(name, bytes, bytes.byteLength);
    }
    return bytes;
  }
}

function slice(bytes: Uint8Array, range: ByteRange | null): Uint8Array {
  return range === null ? bytes : bytes.subarray(range.first, range.last + 1);
}
