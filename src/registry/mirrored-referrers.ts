import type { SubjectDigest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Stores } from '../storage/stores.ts';
import type { Listing, PageRequest } from './listing.ts';
import type { MirrorFetches } from './mirror-fetches.ts';
import { type ReferrerDescriptor, Referrers } from './referrers.ts';

/** Referrers in a repository that may be a mirror's: who asks for the first of them has them fetched. */
export class MirroredReferrers extends Referrers {
  readonly #name: RepositoryName;
  readonly #stores: Stores;
  readonly #fetches: MirrorFetches;

  constructor(name: RepositoryName, stores: Stores, fetches: MirrorFetches) {
    super(name, stores);
    this.#name = name;
    this.#stores = stores;
    this.#fetches = fetches;
  }

  override async list(
    subject: SubjectDigest,
    artifactType: string | null,
    page: PageRequest,
  ): Promise<Listing<ReferrerDescriptor>> {
    if (page.last === '' && (await this.#stores.mirrors.isMirrored(this.#name))) {
      await this.#fetches.referrers(subject);
    }
    return super.list(subject, artifactType, page);
  }
}
