import { RegistryError } from '../oci/errors.ts';
import type { PastTag, Reference } from '../oci/reference.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import type { ManifestRecord, ManifestWithBody } from '../storage/metadata/manifests.ts';
import type { Stores } from '../storage/stores.ts';
import { Manifests } from './manifests.ts';
import type { MirrorFetches } from './mirror-fetches.ts';

/**
 * Manifests of a repository that may be a mirror's. What a digest names is fetched once; what a tag
 * names is asked for again after its maximum age.
 */
export class MirroredManifests extends Manifests {
  readonly #name: RepositoryName;
  readonly #stores: Stores;
  readonly #fetches: MirrorFetches;

  constructor(name: RepositoryName, stores: Stores, actor: Actor, fetches: MirrorFetches) {
    super(name, stores, actor);
    this.#name = name;
    this.#stores = stores;
    this.#fetches = fetches;
  }

  override get(reference: Reference | PastTag): Promise<ManifestWithBody> {
    return this.#fetched(reference, () => super.get(reference));
  }

  override stat(reference: Reference | PastTag): Promise<ManifestRecord> {
    return this.#fetched(reference, () => super.stat(reference));
  }

  /** Nobody pushes to a mirror: who may do so elsewhere only reads here. */
  override async statForPush(reference: Reference | PastTag): Promise<ManifestRecord> {
    return (await this.#stores.mirrors.isMirrored(this.#name))
      ? this.stat(reference)
      : super.statForPush(reference);
  }

  async #fetched<T extends ManifestRecord>(
    reference: Reference | PastTag,
    read: () => Promise<T>,
  ): Promise<T> {
    if ('pastTag' in reference) {
      return read();
    }
    if ('tag' in reference) {
      const upstream = await this.#stores.mirrors.find(namespaceOf(this.#name));
      if (upstream === null) {
        return read();
      }
      const known = await this.#stores.metadata.mirrored.findTag(this.#name, reference.tag);
      if (known !== null && known.age < upstream.tagMaxAge) {
        return read();
      }
      const { staleBecause } = await this.#fetches.tag(reference.tag);
      return { ...(await read()), ...(staleBecause !== null && { staleBecause }) };
    }
    try {
      return await read();
    } catch (error) {
      const isUnknown = error instanceof RegistryError && error.error === 'MANIFEST_UNKNOWN';
      if (!isUnknown || !(await this.#stores.mirrors.isMirrored(this.#name))) {
        throw error;
      }
    }
    await this.#fetches.manifest(reference.digest);
    return read();
  }
}
