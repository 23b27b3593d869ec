import type { RepositoryName } from '../oci/repository-name.ts';
import type { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { decide } from './decide.ts';
import type { Identity } from './identity.ts';
import type { Origin } from './network.ts';

/** What of the catalog somebody may see: the repositories that they may pull from there. */
export class CatalogReader {
  readonly #metadata: MetadataStore;
  readonly #identity: Identity;
  readonly #origin: Origin;

  constructor(metadata: MetadataStore, identity: Identity, origin: Origin) {
    this.#metadata = metadata;
    this.#identity = identity;
    this.#origin = origin;
  }

  /** The namespaces that may hold something, or null for all. */
  async namespaces(): Promise<readonly string[] | null> {
    const { isAdmin, grants, principal } = this.#identity;
    return isAdmin || grants !== null ? null : this.#metadata.access.namespaces(principal);
  }

  /** Those of the repositories that they may pull. */
  async readable(repositories: readonly RepositoryName[]): Promise<RepositoryName[]> {
    const records =
      repositories.length === 0
        ? []
        : await this.#metadata.access.find(this.#identity.principal, repositories);
    return records
      .filter((record) => decide(this.#identity, 'pull', record, this.#origin).allowed)
      .map((record) => record.repository);
  }
}
