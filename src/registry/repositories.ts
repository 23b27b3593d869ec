import type { RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { type Listing, type PageRequest, toListing } from './listing.ts';

/** What of the catalog somebody may see. */
export interface Reader {
  /** The namespaces that may hold something, or null for all. */
  namespaces(): Promise<readonly string[] | null>;
  /** Those of the repositories that they may see. */
  readable(repositories: readonly RepositoryName[]): Promise<RepositoryName[]>;
}

/** How many names one query asks for while most of them are not readable. */
const BATCH_SIZE = 1000;

/** The names of repositories. */
export class Repositories {
  readonly #metadata: MetadataStore;

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata;
  }

  /** One page, in byte order, of the names that the reader may see; null sees all. */
  list({ last, limit }: PageRequest, reader: Reader | null): Promise<Listing<RepositoryName>> {
    return this.#find('', last, limit, reader);
  }

  /** At most `limit` names that contain `term`, of those that the reader may see. */
  async search(term: string, limit: number, reader: Reader | null): Promise<RepositoryName[]> {
    return [...(await this.#find(term, '', limit, reader)).entries];
  }

  async #find(
    term: string,
    last: string,
    limit: number,
    reader: Reader | null,
  ): Promise<Listing<RepositoryName>> {
    const namespaces = reader === null ? null : await reader.namespaces();
    const found: RepositoryName[] = [];
    for (let place = last; found.length <= limit; ) {
      const names = await this.#metadata.repositories.list({
        term,
        last: place,
        namespaces,
        limit: reader === null ? limit + 1 : BATCH_SIZE,
      });
      found.push(...(reader === null ? names : await reader.readable(names)));
      place = names.at(-1) ?? '';
      if (reader === null || names.length < BATCH_SIZE) {
        break;
      }
    }
    return toListing(found.slice(0, limit + 1), limit);
  }
}
