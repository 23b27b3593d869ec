import type { RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { type Listing, type PageRequest, toListing } from './listing.ts';

/** The names of all repositories. */
export class Repositories {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** One page of names in byte order. */
  async list({ last, limit }: PageRequest): Promise<Listing<RepositoryName>> {
    return toListing(await this.#metadata.repositories.list(last, limit + 1), limit);
  }

  /** At most `limit` names that contain `term`. */
  search(term: string, limit: number): Promise<RepositoryName[]> {
    return this.#metadata.repositories.search(term, limit);
  }
}
