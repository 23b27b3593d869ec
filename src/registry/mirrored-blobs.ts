import type { ByteRange } from '../oci/byte-range.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Content } from '../storage/content-store.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { BlobRecord } from '../storage/metadata/blobs.ts';
import type { Stores } from '../storage/stores.ts';
import { Blobs } from './blobs.ts';
import type { MirrorFetches } from './mirror-fetches.ts';

/** Blobs of a repository that may be a mirror's: what is not here is fetched when somebody reads it. */
export class MirroredBlobs extends Blobs {
  readonly #name: RepositoryName;
  readonly #stores: Stores;
  readonly #fetches: MirrorFetches;
  readonly #unfetched = new WeakSet<BlobRecord>();

  constructor(name: RepositoryName, stores: Stores, actor: Actor, fetches: MirrorFetches) {
    super(name, stores, actor);
    this.#name = name;
    this.#stores = stores;
    this.#fetches = fetches;
  }

  /** As of an own repository; of one that a manifest names the size is known before it is fetched. */
  override async stat(digest: Digest): Promise<BlobRecord> {
    try {
      return await super.stat(digest);
    } catch (error) {
      const isUnknown = error instanceof RegistryError && error.error === 'BLOB_UNKNOWN';
      if (!isUnknown || !(await this.#stores.mirrors.isMirrored(this.#name))) {
        throw error;
      }
    }
    const named = await this.#stores.metadata.mirrored.findUnfetched(this.#name, digest, 'blob');
    if (named === null) {
      await this.#fetches.blob(digest, false);
      return super.stat(digest);
    }
    const record = { digest, size: named.size, key: '' };
    this.#unfetched.add(record);
    return record;
  }

  /** Nobody pushes to a mirror: who may do so elsewhere only reads here. */
  override async statForPush(digest: Digest): Promise<BlobRecord> {
    return (await this.#stores.mirrors.isMirrored(this.#name))
      ? this.stat(digest)
      : super.statForPush(digest);
  }

  override async open(blob: BlobRecord, range: ByteRange | null): Promise<Content> {
    if (!this.#unfetched.has(blob)) {
      return super.open(blob, range);
    }
    const bytes = await this.#fetches.blob(blob.digest, range === null);
    return bytes ?? super.open(await super.stat(blob.digest), range);
  }
}
