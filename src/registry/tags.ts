import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { type Listing, type PageRequest, toListing } from './listing.ts';

/** The tags of a repository. */
export class Tags {
  readonly #repository: RepositoryName;
  readonly #metadata: MetadataStore;

  constructor(repository: RepositoryName, metadata: MetadataStore) {
    this.#repository = repository;
    this.#metadata = metadata;
  }

  /**
   * One page of tags in byte order.
   *
   * @throws NAME_UNKNOWN
   */
  async list({ last, limit }: PageRequest): Promise<Listing<Tag>> {
    const tags = await this.#metadata.tags.list(this.#repository, last, limit + 1);
    if (tags === null) {
      throw new RegistryError('NAME_UNKNOWN');
    }
    return toListing(tags, limit);
  }
}
