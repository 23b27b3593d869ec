import type { Digest, SubjectDigest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { found } from '../storage/blob-store.ts';
import type { ReferrerRecord } from '../storage/metadata/referrers.ts';
import type { Stores } from '../storage/stores.ts';
import type { Listing, PageRequest } from './listing.ts';

/** How a referrer is listed (distribution-spec v1.1.1 "Listing Referrers"). */
export interface ReferrerDescriptor {
  mediaType: string;
  digest: Digest;
  size: number; // bytes
  artifactType?: string;
  annotations?: Record<string, string>;
}

/**
 * A page's manifests may have this together. A descriptor is shorter than its manifest, so the
 * page stays below the 4 MiB that clients read.
 */
const MAX_PAGE_BYTES = 3 * 2 ** 20;

/**
 * The manifests that name a subject. Every manifest is indexed by its subject when it is pushed, so
 * those listed under the fallback tag of older clients are here as well.
 */
export class Referrers {
  readonly #repository: RepositoryName;
  readonly #stores: Stores;

  constructor(repository: RepositoryName, stores: Stores) {
    this.#repository = repository;
    this.#stores = stores;
  }

  /** One page in order of digest: of all referrers, or of one artifact type. */
  async list(
    subject: SubjectDigest,
    artifactType: string | null,
    page: PageRequest,
  ): Promise<Listing<ReferrerDescriptor>> {
    const { metadata } = this.#stores;
    const { referrers, hasMore } = await metadata.referrers.list(this.#repository, subject, {
      artifactType,
      ...page,
      maxBytes: MAX_PAGE_BYTES,
    });
    const entries = await Promise.all(referrers.map((referrer) => this.#describe(referrer)));
    return { entries, hasMore };
  }

  async #describe(referrer: ReferrerRecord): Promise<ReferrerDescriptor> {
    const { body, key } = referrer;
    const text = key === null ? body : found(await this.#stores.blobs.text(key), key);
    return describeReferrer(referrer, text ?? '{}');
  }
}

/** How a manifest with this JSON is listed. */
export function describeReferrer(
  { mediaType, digest, size, artifactType }: Omit<ReferrerRecord, 'body' | 'key'>,
  text: string,
): ReferrerDescriptor {
  const { annotations } = JSON.parse(text);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== null && { artifactType }),
    ...(annotations && { annotations }),
  };
}
