import { algorithmOf, type Digest, encodedOf } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';

/** A part of a multipart upload, as R2 acknowledged it. */
export interface StoredPart {
  partNumber: number;
  etag: string;
}

/** R2's limits: https://developers.cloudflare.com/r2/platform/limits/ */
export const MAX_SINGLE_PUT = 4.99 * 2 ** 30; // bytes
const MAX_KEYS_PER_DELETE = 1000;

/** R2 error codes: https://developers.cloudflare.com/r2/api/error-codes/ */
const BAD_DIGEST = '10037';
const NO_SUCH_UPLOAD = '10024';

/**
 * The bucket. Every failure of R2 itself is UNAVAILABLE: the request may be repeated.
 */
export class BlobStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /** The content at `key`, or a part of it, or null when there is none. */
  async open(
    key: string,
    range: { first: number; last: number } | null = null,
  ): Promise<ReadableStream<Uint8Array> | null> {
    const options =
      range === null
        ? {}
        : { range: { offset: range.first, length: range.last - range.first + 1 } };
    const object = await answer(this.#bucket.get(key, options));
    return object?.body ?? null;
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
   * Stores content that has the digest; R2 checks it. False when the content has another, and then
   * nothing is stored. A key is never written over: repeating is safe. A stream has to have a known
   * length.
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

  /** Makes the parts one object. Safe to repeat. */
  async completeMultipart(key: string, id: string, parts: StoredPart[]): Promise<void> {
    try {
      await this.#bucket.resumeMultipartUpload(key, id).complete(parts);
    } catch (error) {
      if (!(hasCode(error, NO_SUCH_UPLOAD) && (await this.size(key)) !== null)) {
        throw unavailable(error);
      }
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

  /** Deletes objects; keys without one are skipped. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += MAX_KEYS_PER_DELETE) {
      await answer(this.#bucket.delete(keys.slice(start, start + MAX_KEYS_PER_DELETE)));
    }
  }
}

async function answer<T>(pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    throw unavailable(error);
  }
}

/** The binding throws plain errors that end in the code: "put: message (10037)". */
function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.includes(`(${code})`);
}

function unavailable(error: unknown): RegistryError {
  console.error('R2 failed:', error);
  return new RegistryError('UNAVAILABLE', undefined, { headers: { 'Retry-After': '1' } });
}
