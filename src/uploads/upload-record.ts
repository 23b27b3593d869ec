import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { StoredPart } from '../storage/blob-store.ts';
import type { Room } from '../storage/metadata/uploads.ts';
import { PART_SIZE } from './part-buffer.ts';

/**
 * Where a session is. It starts "open" and takes bytes; "completing" takes none and only goes
 * forward, however often it is interrupted; "committed" repeats its answer for a while; "closed"
 * (cancelled or expired) has clean-up left to do. After that nothing is stored.
 */
export type UploadState = 'open' | 'completing' | 'committed' | 'closed';

/** What survives eviction, a restart and a crash, beside parts and tail. */
export interface UploadSessionRow {
  id: string;
  repository: RepositoryName;
  key: string; // in R2
  algorithm: DigestAlgorithm; // hashed while the bytes pass
  state: UploadState;
  multipartId: string | null; // in R2, once there is a part
  digest: Digest | null; // of the bytes, once it is complete and known
  size: number; // bytes, once it is complete
  isStored: boolean; // the object at key is whole
  room?: Room; // when it was opened; not there without a quota
}

const SESSION = 'session';
const PART = 'part/';
const TAIL = 'tail/';

/** A value of a Durable Object may have 2 MB. */
const TAIL_CHUNK = 2 ** 20; // bytes

/**
 * The durable side of a session: its row, the parts that R2 has, and the tail, the acknowledged
 * bytes after the last part. The calls are synchronous, and those without an `await` between them
 * are one transaction (https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/).
 */
export class UploadRecord {
  readonly #storage: DurableObjectStorage;
  #row: UploadSessionRow | null;
  #parts = 0;
  #tail = 0; // bytes

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#row = storage.kv.get<UploadSessionRow>(SESSION) ?? null;
    if (this.#row !== null) {
      this.#parts = this.parts().length;
      this.#tail = this.tail().reduce((length, chunk) => length + chunk.byteLength, 0);
    }
  }

  get row(): UploadSessionRow | null {
    return this.#row;
  }

  /**
   * The row of a session that is in one of `states`, or in any when there are none.
   *
   * @throws BLOB_UPLOAD_UNKNOWN
   */
  requireRow(...states: UploadState[]): UploadSessionRow {
    const row = this.#row;
    if (row === null || (states.length > 0 && !states.includes(row.state))) {
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN');
    }
    return row;
  }

  /** Bytes that are safe. */
  get offset(): number {
    return this.#parts * PART_SIZE + this.#tail;
  }

  get partCount(): number {
    return this.#parts;
  }

  save(row: UploadSessionRow): void {
    this.#storage.kv.put(SESSION, row);
    this.#row = row;
  }

  /** A part is in R2; it holds the tail. */
  addPart(part: StoredPart): void {
    this.#storage.kv.put(PART + sortable(part.partNumber), part);
    this.#parts += 1;
    this.#clearTail();
  }

  parts(): StoredPart[] {
    return Array.from(this.#storage.kv.list<StoredPart>({ prefix: PART }), ([, part]) => part);
  }

  /** Acknowledges `bytes`, which follow the tail. */
  addTail(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.byteLength; start += TAIL_CHUNK) {
      // slice, not subarray: a view would be stored with all the memory behind it.
      const chunk = bytes.slice(start, start + TAIL_CHUNK);
      this.#storage.kv.put(TAIL + sortable(this.#tail), chunk);
      this.#tail += chunk.byteLength;
    }
  }

  get tailLength(): number {
    return this.#tail;
  }

  tail(): Uint8Array[] {
    return Array.from(this.#storage.kv.list<Uint8Array>({ prefix: TAIL }), ([, chunk]) => chunk);
  }

  /** Forgets parts and tail, of which R2 has made one object. */
  clearContent(): void {
    for (const [key] of this.#storage.kv.list({ prefix: PART })) {
      this.#storage.kv.delete(key);
    }
    this.#parts = 0;
    this.#clearTail();
  }

  /** Forgets everything, the alarm too. */
  async clear(): Promise<void> {
    this.#row = null;
    this.#parts = 0;
    this.#tail = 0;
    await this.#storage.deleteAll();
  }

  #clearTail(): void {
    for (const [key] of this.#storage.kv.list({ prefix: TAIL })) {
      this.#storage.kv.delete(key);
    }
    this.#tail = 0;
  }
}

/** Keys sort as text. */
function sortable(number: number): string {
  return String(number).padStart(8, '0');
}
