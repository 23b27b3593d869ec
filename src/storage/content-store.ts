import { waitUntil } from 'cloudflare:workers';
import type { ByteRange } from '../oci/byte-range.ts';
import type { Digest } from '../oci/digest.ts';
import { type BlobStore, found } from './blob-store.ts';
import { type EdgeCache, MAX_CACHED_SIZE } from './edge-cache.ts';
import type { Isolate } from './isolate.ts';
import { contentCacheKey } from './keys.ts';

/** Content that R2 has under `key`. */
export interface StoredContent {
  digest: Digest;
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
 * The bytes of content by its digest, from as near as they are: the memory of this isolate, the edge
 * cache, R2. Whoever asks has to know that the reader may have them; here nobody looks.
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
    const { digest, size } = content;
    if (size === 0) {
      return new Uint8Array();
    }
    const near = await this.find(digest, size, range);
    if (near !== null) {
      return near;
    }
    return size <= MAX_BUFFERED
      ? slice(await this.#readWhole(content), range)
      : this.#stream(content, range);
  }

  /** What memory or the edge cache has, or null. */
  async find(digest: Digest, size: number, range: ByteRange | null): Promise<Content | null> {
    const known = this.#isolate.content.get(digest);
    if (known !== undefined) {
      return slice(known, range);
    }
    if (size > MAX_CACHED_SIZE) {
      return null;
    }
    if (size > MAX_IN_MEMORY) {
      return this.#cache.open(contentCacheKey(digest), range);
    }
    const bytes = await this.#cache.bytes(contentCacheKey(digest));
    return bytes?.byteLength !== size ? null : slice(this.#remember(digest, bytes), range);
  }

  /** Keeps small content that was read elsewhere. */
  keep(digest: Digest, bytes: Uint8Array): void {
    if (this.#isolate.content.get(digest) === undefined) {
      this.#remember(digest, bytes);
      waitUntil(this.#put(digest, bytes));
    }
  }

  async #put(digest: Digest, bytes: Uint8Array): Promise<void> {
    await scheduler.wait(FILL_PAUSE);
    await this.#cache.put(contentCacheKey(digest), bytes, bytes.byteLength);
  }

  async #readWhole({ digest, key }: StoredContent): Promise<Uint8Array> {
    const bytes = found(await this.#blobs.bytes(key), key);
    this.keep(digest, bytes);
    return bytes;
  }

  async #stream(
    content: StoredContent,
    range: ByteRange | null,
  ): Promise<ReadableStream<Uint8Array>> {
    const { digest, key, size } = content;
    const { first, last } = range ?? { first: 0, last: size - 1 };
    const length = last - first + 1;
    const { body, served } = found(await this.#blobs.openRange(key, first, length), key);
    if (size <= MAX_CACHED_SIZE && this.#mayFill(digest)) {
      this.#isolate.filling.set(digest, true, 1, Date.now() + FILL_TIMEOUT);
      waitUntil(this.#fill(content, served));
    }
    return body;
  }

  #mayFill(digest: Digest): boolean {
    const { filling, fillsPausedUntil } = this.#isolate;
    return (
      this.#cache.isAvailable && filling.get(digest) === undefined && fillsPausedUntil <= Date.now()
    );
  }

  async #fill({ digest, key, size }: StoredContent, served: Promise<void>): Promise<void> {
    try {
      await Promise.race([
        served.then(() => scheduler.wait(FILL_PAUSE)),
        scheduler.wait(FILL_DELAY),
      ]);
      const { body } = found(await this.#blobs.openRange(key, 0, size), key);
      await this.#cache.put(contentCacheKey(digest), body, size);
      if (!(await this.#cache.has(contentCacheKey(digest)))) {
        this.#isolate.fillsPausedUntil = Date.now() + FILL_BREAK;
      }
    } catch (error) {
      console.error(`${digest} was not cached:`, error);
    } finally {
      this.#isolate.filling.delete(digest);
    }
  }

  #remember(digest: Digest, bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength <= MAX_IN_MEMORY) {
      this.#isolate.content.set(digest, bytes, bytes.byteLength);
    }
    return bytes;
  }
}

function slice(bytes: Uint8Array, range: ByteRange | null): Uint8Array {
  return range === null ? bytes : bytes.subarray(range.first, range.last + 1);
}
