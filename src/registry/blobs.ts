import type { ByteRange } from '../oci/byte-range.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Content } from '../storage/content-store.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { BlobRecord } from '../storage/metadata/blobs.ts';
import { ConstraintError } from '../storage/metadata/database.ts';
import type { Stores } from '../storage/stores.ts';

/** The blobs that a repository sees. */
export class Blobs {
  readonly #repository: RepositoryName;
  readonly #stores: Stores;
  readonly #actor: Actor;

  constructor(repository: RepositoryName, stores: Stores, actor: Actor) {
    this.#repository = repository;
    this.#stores = stores;
    this.#actor = actor;
  }

  /**
   * Finds a blob to read it. That it is there may be remembered from a moment ago.
   *
   * @throws BLOB_UNKNOWN
   */
  async stat(digest: Digest): Promise<BlobRecord> {
    const { metadata, memberships } = this.#stores;
    const blob = await memberships.recall('blobs', this.#repository, digest, (source) =>
      metadata.blobs.find(this.#repository, digest, source),
    );
    if (blob === null && (await metadata.damage.hasBlob(this.#repository, digest))) {
      throw new RegistryError('BLOB_UNKNOWN', 'the blob is damaged in storage; push it again');
    }
    return known(blob);
  }

  /**
   * Finds a blob for somebody who goes on to name it in a manifest: for a while collection leaves
   * it alone.
   *
   * @throws BLOB_UNKNOWN
   */
  async statForPush(digest: Digest): Promise<BlobRecord> {
    return known(await this.#stores.metadata.blobs.findAndLease(this.#repository, digest));
  }

  /** The bytes of a blob that {@link stat} found, or a range of them. */
  open(blob: BlobRecord, range: ByteRange | null): Promise<Content> {
    return this.#stores.content.open(blob, range);
  }

  /**
   * Links a blob that one of `from` sees. False when none does.
   *
   * @throws NAME_UNKNOWN where pushes make no repositories and this one is not there
   */
  async mount(digest: Digest, from: readonly RepositoryName[] | 'all'): Promise<boolean> {
    return (
      from.length > 0 &&
      (await this.#stores.metadata.blobs.mount(this.#repository, digest, from, this.#actor))
    );
  }

  /**
   * Takes a blob out of the repository.
   *
   * @throws BLOB_UNKNOWN, or BLOB_REFERENCED while a manifest names it
   */
  async delete(digest: Digest): Promise<void> {
    const { metadata, memberships } = this.#stores;
    try {
      if (!(await metadata.blobs.unlink(this.#repository, digest, this.#actor))) {
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
    } finally {
      // Always, for the answer of a delete that was done may have been lost.
      await memberships.forget('blobs', this.#repository, [digest]);
    }
  }
}

function known(blob: BlobRecord | null): BlobRecord {
  if (blob === null) {
    throw new RegistryError('BLOB_UNKNOWN');
  }
  return blob;
}
