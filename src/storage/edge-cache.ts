import type { ByteRange } from '../oci/byte-range.ts';

/** What the Cache API takes: https://developers.cloudflare.com/workers/platform/limits/#cache-api-limits */
export const MAX_CACHED_SIZE = 512_000_000; // bytes

/** Content never changes; the cache throws out what is not asked for. */
const FOREVER = 31_536_000; // seconds

/** Apart from the zone's own cache, out of which the CDN answers requests that no Worker sees. */
const CACHE_NAME = 'edgewater';

/**
 * The cache of the Cloudflare location that a request came to, by the Cache API: private to this
 * Worker, and asked only when access is decided. Whatever fails here is as if nothing were cached.
 *
 * It does nothing on workers.dev names and behind Cloudflare Access, and is not shared between
 * locations: https://developers.cloudflare.com/workers/runtime-apis/cache/
 *
 * This is the only file that knows how content is cached near readers; docs/architecture.md says
 * what Workers Cache in its place would change.
 */
export class EdgeCache {
  readonly #base: string;

  /** Whether there is a cache at all. */
  readonly isAvailable: boolean;

  /**
   * `origin` is the scheme and host that the request asked for: keys have to be below it, for other
   * host names are looked up in DNS first (cloudflare/cloudflare-docs#18634).
   */
  constructor(origin: string) {
    this.#base = `${origin}/edge-cache/`;
    this.isAvailable = !origin.endsWith('.workers.dev');
  }

  /** The content under a key of keys.ts, or the range of it; null when it is not here. */
  async open(key: string, range: ByteRange | null): Promise<ReadableStream<Uint8Array> | null> {
    const headers = range === null ? {} : { Range: `bytes=${range.first}-${range.last}` };
    const response = await this.#match(key, headers);
    if (response === null) {
      return null;
    }
    if (response.status !== (range === null ? 200 : 206)) {
      await response.body?.cancel();
      return null;
    }
    return response.body;
  }

  /** Whether something is there. */
  async has(key: string): Promise<boolean> {
    const body = await this.open(key, null);
    await body?.cancel();
    return body !== null;
  }

  /** As {@link open}, the whole in memory. */
  async bytes(key: string): Promise<Uint8Array | null> {
    const response = await this.#match(key, {});
    return response === null ? null : response.bytes().catch(miss);
  }

  /** The JSON under a key, or null. */
  async json<T>(key: string): Promise<T | null> {
    const response = await this.#match(key, {});
    return response === null ? null : response.json<T>().catch(miss);
  }

  /**
   * Stores whole content. A stream that ends before `size` bytes stores nothing.
   *
   * @param size in bytes, at most {@link MAX_CACHED_SIZE}
   */
  put(key: string, content: ReadableStream | Uint8Array, size: number): Promise<void> {
    const headers = { 'Content-Length': String(size), 'Content-Type': 'application/octet-stream' };
    return this.#put(key, new Response(content, { headers }), FOREVER);
  }

  /** Stores a value as JSON for `lifetime` seconds. */
  putJson(key: string, value: unknown, lifetime: number): Promise<void> {
    return this.#put(key, Response.json(value), lifetime);
  }

  /** Asks the cache for nothing in particular. @throws when it fails */
  async ping(): Promise<void> {
    const cache = await caches.open(CACHE_NAME);
    await cache.match(`${this.#base}ping`);
  }

  /** Drops a key in this location. */
  async delete(key: string): Promise<void> {
    try {
      const cache = await caches.open(CACHE_NAME);
      await cache.delete(this.#base + key);
    } catch (error) {
      miss(error);
    }
  }

  async #match(key: string, headers: Record<string, string>): Promise<Response | null> {
    try {
      const cache = await caches.open(CACHE_NAME);
      return (await cache.match(new Request(this.#base + key, { headers }))) ?? null;
    } catch (error) {
      return miss(error);
    }
  }

  async #put(key: string, response: Response, lifetime: number): Promise<void> {
    response.headers.set('Cache-Control', `max-age=${lifetime}`);
    try {
      const cache = await caches.open(CACHE_NAME);
      await cache.put(this.#base + key, response);
    } catch (error) {
      miss(error);
    }
  }
}

function miss(error: unknown): null {
  console.error('The edge cache failed:', error);
  return null;
}
