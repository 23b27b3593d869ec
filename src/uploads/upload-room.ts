import type { Digest } from '../oci/digest.ts';
import type { RegistryError } from '../oci/errors.ts';
import { namespaceOf } from '../oci/repository-name.ts';
import type { QuotaMetadata } from '../storage/metadata/quotas.ts';
import { announcedLength, type Chunk } from './upload-content.ts';
import type { UploadRecord } from './upload-record.ts';

/**
 * What the quota of its namespace leaves an upload, as far as that is known before the commit, which
 * decides: so that bytes need not come that would be refused.
 */
export class UploadRoom {
  readonly #record: UploadRecord;
  readonly #quotas: QuotaMetadata;

  constructor(record: UploadRecord, quotas: QuotaMetadata) {
    this.#record = record;
    this.#quotas = quotas;
  }

  /**
   * What an upload whose length nobody tells may have, in bytes, as things were when it was opened: more
   * does not fit, and cannot be there already, for the namespace has nothing as large.
   */
  get most(): number {
    const { room } = this.#record.requireRow();
    return room === undefined ? Number.POSITIVE_INFINITY : Math.max(room.left, room.largest);
  }

  /**
   * Refuses a chunk that announces more than could be committed. The database is asked only when it
   * would not have fit when the upload was opened. `digest` is that of the whole upload, if it is known.
   *
   * @throws QUOTA_OF_BYTES_EXCEEDED
   */
  async admit(chunk: Chunk, digest: Digest | null): Promise<void> {
    const { room } = this.#record.requireRow();
    const size = this.#record.offset + (announcedLength(chunk) ?? 0);
    const fits = room === undefined || size <= room.left;
    if (!fits && !(await this.#quotas.hasRoom(this.#namespace, size, digest))) {
      throw await this.refusal();
    }
  }

  /** What to tell the sender. */
  refusal(): Promise<RegistryError> {
    return this.#quotas.refusal(this.#namespace);
  }

  get #namespace(): string {
    return namespaceOf(this.#record.requireRow().repository);
  }
}
