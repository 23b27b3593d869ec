import { algorithmOf, type Digest, type DigestAlgorithm, encodedOf } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';

/** Bytes on their way; `served` resolves when they are through, or their reader has left. */
export interface OpenContent {
  body: ReadableStream<Uint8Array>;
  served: Promise<void>;
}

/** A part of a multipart upload, as R2 acknowledged it. */
export interface StoredPart {
  partNumber: number;
  etag: string;
}

/** What an object turned out to be. */
export interface Measure {
  size: number; // bytes
  digest: Digest;
}

/** An object of the bucket. */
export interface StoredObject {
  key: string;
  size: number; // bytes
  writtenAt: number; // seconds since the epoch, by R2's clock
}

/** A part of the bucket's list, and the place to go on from; null at the end. */
export interface ObjectPage {
  objects: StoredObject[];
  cursor: string | null;
}

/** R2's limits: https://developers.cloudflare.com/r2/platform/limits/ */
export const MAX_SINGLE_PUT = 4.99 * 2 ** 30; // bytes
const MAX_KEYS_PER_DELETE = 1000;

/** R2 error codes: https://developers.cloudflare.com/r2/api/error-codes/ */
const BAD_DIGEST = '10037';
const NO_SUCH_UPLOAD = '10024';
const INVALID_PART = '10025';
const BAD_UPLOAD = '10048';

/**
 * The bucket. Every failure of R2 itself is UNAVAILABLE: the request may be repeated.
 */
export class BlobStore {
  readonly #bucket: R2Bucket;
  readonly #readWindow: number;

  /**
   * `readWindow` is how many bytes of an object that was uploaded in parts one read of R2 asks for.
   * It is for miniflare, which reads those ahead of a slow client into memory; R2 itself streams.
   */
  constructor(bucket: R2Bucket, readWindow = Number.POSITIVE_INFINITY) {
    this.#bucket = bucket;
    this.#readWindow = readWindow;
  }

  /**
   * The size and, by reading all of it, the digest of what is at `key`; null when there is nothing.
   *
   * @throws UNAVAILABLE, also when the read breaks off
   */
  async measure(key: string, algorithm: DigestAlgorithm): Promise<Measure | null> {
    const object = await answer(this.#bucket.get(key));
    const content = object === null ? null : await this.#whole(object);
    return object === null || content === null
      ? null
      : { size: object.size, digest: await answer(digestOf(content, algorithm)) };
  }

  /** All of an object, in windows where it has to be; null when it is gone by then. */
  async #whole(object: R2ObjectBody): Promise<ReadableStream<Uint8Array> | null> {
    const { key, size, body } = object;
    if (!isMultipart(object) || size <= this.#readWindow) {
      return body;
    }
    await body.cancel();
    return (await this.openRange(key, 0, size))?.body ?? null;
  }

  /** A part of the content at `key`: `length` bytes from `offset`; null when there is none. */
  async openRange(key: string, offset: number, length: number): Promise<OpenContent | null> {
    const first = await this.#openWindow(key, offset, Math.min(length, this.#readWindow));
    if (first === null) {
      return null;
    }
    const { readable, writable } = new FixedLengthStream(length);
    const served = this.#pipeWindows(key, offset, length, first, writable).catch(async (error) => {
      await writable.abort(error).catch(() => {});
    });
    return { body: readable, served };
  }

  #openWindow(key: string, offset: number, length: number): Promise<R2ObjectBody | null> {
    return answer(this.#bucket.get(key, { range: { offset, length } }));
  }

  async #pipeWindows(
    key: string,
    offset: number,
    length: number,
    first: R2ObjectBody,
    writable: WritableStream<Uint8Array>,
  ): Promise<void> {
    await first.body.pipeTo(writable, { preventClose: true });
    const window = isMultipart(first) ? this.#readWindow : length;
    for (let done = this.#readWindow; done < length; done += window) {
      const next = await this.#openWindow(key, offset + done, Math.min(length - done, window));
      if (next === null) {
        throw new Error(`${key} is gone`);
      }
      await next.body.pipeTo(writable, { preventClose: true });
    }
    await writable.close();
  }

  /** The whole content at `key` in memory, or null when there is none. */
  async bytes(key: string): Promise<Uint8Array | null> {
    const object = await answer(this.#bucket.get(key));
    return object === null ? null : answer(object.bytes());
  }

  /** The whole text at `key` (UTF-8), or null when there is none. */
  async text(key: string): Promise<string | null> {
    const object = await answer(this.#bucket.get(key));
    return object === null ? null : answer(object.text());
  }

  /** The size in bytes of what is at `key`, or null when there is nothing. */
  async size(key: string): Promise<number | null> {
    return (await answer(this.#bucket.head(key)))?.size ?? null;
  }

  /**
   * Stores content that has the digest; R2 checks it. False when the content has another, or the
   * key holds such, and then nothing is stored. A key is never written over: repeating is safe. A
   * stream has to have a known length.
   *
   * @throws UNAVAILABLE
   */
  async put(key: string, content: ReadableStream | Uint8Array, digest: Digest): Promise<boolean> {
    try {
      const stored = await this.#bucket.put(key, content, {
        [algorithmOf(digest)]: encodedOf(digest),
        onlyIf: { etagDoesNotMatch: '*' },
      });
      return stored !== null || (await this.#holds(key, digest));
    } catch (error) {
      if (hasCode(error, BAD_DIGEST)) {
        return false;
      }
      throw unavailable(error);
    }
  }

  /** Starts a multipart upload: its id. */
  async createMultipart(key: string): Promise<string> {
    return (await answer(this.#bucket.createMultipartUpload(key))).uploadId;
  }

  /** Stores a part. The same number again replaces the part. */
  async putPart(key: string, id: string, number: number, bytes: Uint8Array): Promise<StoredPart> {
    return answer(this.#bucket.resumeMultipartUpload(key, id).uploadPart(number, bytes));
  }

  /** Makes the parts one object. Safe to repeat. False when R2 has other parts than these. */
  async completeMultipart(key: string, id: string, parts: StoredPart[]): Promise<boolean> {
    try {
      await this.#bucket.resumeMultipartUpload(key, id).complete(parts);
      return true;
    } catch (error) {
      if (hasCode(error, NO_SUCH_UPLOAD)) {
        return (await this.size(key)) !== null;
      }
      if (hasCode(error, INVALID_PART) || hasCode(error, BAD_UPLOAD)) {
        return false;
      }
      throw unavailable(error);
    }
  }

  /** Drops the parts. Safe to repeat, and after completion. */
  async abortMultipart(key: string, id: string): Promise<void> {
    try {
      await this.#bucket.resumeMultipartUpload(key, id).abort();
    } catch (error) {
      if (!hasCode(error, NO_SUCH_UPLOAD)) {
        throw unavailable(error);
      }
    }
  }

  /** Whether an object that {@link put} stored has the digest. */
  async #holds(key: string, digest: Digest): Promise<boolean> {
    const object = await answer(this.#bucket.head(key));
    return object?.checksums.toJSON()[algorithmOf(digest)] === encodedOf(digest);
  }

  /** At most a thousand objects whose key begins with `prefix`, after the place of an earlier list. */
  async list(prefix: string, cursor: string | null): Promise<ObjectPage> {
    const page = await answer(this.#bucket.list({ prefix, ...(cursor !== null && { cursor }) }));
    return {
      objects: page.objects.map(toStoredObject),
      cursor: page.truncated ? page.cursor : null,
    };
  }

  /** As {@link list}, behind a key, which need not be there. `isLast` when nothing follows. */
  async listAfter(
    prefix: string,
    key: string,
  ): Promise<{ objects: StoredObject[]; isLast: boolean }> {
    const page = await answer(this.#bucket.list({ prefix, startAfter: key }));
    return { objects: page.objects.map(toStoredObject), isLast: !page.truncated };
  }

  /** Deletes objects; keys without one are skipped. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += MAX_KEYS_PER_DELETE) {
      await answer(this.#bucket.delete(keys.slice(start, start + MAX_KEYS_PER_DELETE)));
    }
  }
}

/**
 * What a row of D1 says is at `key`.
 *
 * @throws Error when it is not: the row is the truth, so the bucket has lost it
 */
export function found<T>(content: T | null, key: string): T {
  if (content === null) {
    throw new Error(`the bucket has lost ${key}`);
  }
  return content;
}

async function answer<T>(pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    throw unavailable(error);
  }
}

/** By the runtime's own code, at the speed of the stream. */
async function digestOf(content: ReadableStream, algorithm: DigestAlgorithm): Promise<Digest> {
  const hash = new crypto.DigestStream(algorithm === 'sha256' ? 'SHA-256' : 'SHA-512');
  await content.pipeTo(hash);
  const bytes = Array.from(new Uint8Array(await hash.digest));
  return `${algorithm}:${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}` as Digest;
}

function toStoredObject({ key, size, uploaded }: R2Object): StoredObject {
  return { key, size, writtenAt: Math.floor(uploaded.getTime() / 1000) };
}

/** The entity tag tells: https://developers.cloudflare.com/r2/objects/multipart-objects/#etags */
function isMultipart(object: R2Object): boolean {
  return object.etag.includes('-');
}

/** The binding throws plain errors that end in the code: "put: message (10037)". */
function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.includes(`(${code})`);
}

function unavailable(error: unknown): RegistryError {
  console.error('R2 failed:', error);
  return new RegistryError('UNAVAILABLE', undefined, { cause: error });
}
