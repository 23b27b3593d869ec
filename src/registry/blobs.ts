import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { type BlobStore, found } from '../storage/blob-store.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { BlobRecord } from '../storage/metadata/blobs.ts';
import { ConstraintError } from '../storage/metadata/database.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';

/** The blobs that a repository sees. */
export class Blobs {
  readonly #repository: RepositoryName;
  readonly #metadata: MetadataStore;
  readonly #blobStore: BlobStore;
  readonly #actor: Actor;

  constructor(
    repository: RepositoryName,
    metadata: MetadataStore,
    blobStore: BlobStore,
    actor: Actor,
  ) {
    this.#repository = repository;
    this.#metadata = metadata;
    this.#blobStore = blobStore;
    this.#actor = actor;
  }

  /**
   * Finds a blob to read it.
   *
   * @throws BLOB_UNKNOWN
   */
  async stat(digest: Digest): Promise<BlobRecord> {
    return known(await this.#metadata.blobs.find(this.#repository, digest));
  }

  /**
   * Finds a blob for somebody who goes on to name it in a manifest: for a while collection leaves
   * it alone.
   *
   * @throws BLOB_UNKNOWN
   */
  async statForPush(digest: Digest): Promise<BlobRecord> {
    return known(await this.#metadata.blobs.findAndLease(this.#repository, digest));
  }

  /** The bytes of a blob that {@link stat} found, or a range of them (both ends in bytes, included). */
  async open(
    blob: BlobRecord,
    range: { first: number; last: number } | null,
  ): Promise<ReadableStream<Uint8Array>> {
    const offset = range?.first ?? 0;
    const length = (range?.last ?? blob.size - 1) - offset + 1;
    const content = await (length === 0
      ? this.#blobStore.open(blob.key) // R2 has no range of nothing
      : this.#blobStore.openRange(blob.key, offset, length));
    return found(content, blob.key);
  }

  /** Links a blob that one of `from` sees. False when none does. */
  async mount(digest: Digest, from: readonly RepositoryName[] | 'all'): Promise<boolean> {
    return (
      from.length > 0 &&
      (await this.#metadata.blobs.mount(this.#repository, digest, from, this.#actor))
    );
  }

  /**
   * Takes a blob out of the repository.
   *
   * @throws BLOB_UNKNOWN, or BLOB_REFERENCED while a manifest names it
   */
  async delete(digest: Digest): Promise<void> {
    try {
      if (!(await this.#metadata.blobs.unlink(this.#repository, digest, this.#actor))) {
        throw new RegistryError('BLOB_UNKNOWN');
      }
    } catch (error) {
      if (error instanceof ConstraintError) {
        throw new RegistryError(
          'BLOB_REFERENCED',
          'a manifest of this repository names the blob: delete the manifest first',
        );
      }
      throw error;
    }
  }
}

function known(blob: BlobRecord | null): BlobRecord {
  if (blob === null) {
    throw new RegistryError('BLOB_UNKNOWN');
  }
  return blob;
}
