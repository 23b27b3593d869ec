import {
  algorithmOf,
  CANONICAL_ALGORITHM,
  type Digest,
  digestOf,
  type SubjectDigest,
} from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Reference, Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { explainImmovable, isImmutable } from '../storage/immutable-tags.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import { ConstraintError } from '../storage/metadata/database.ts';
import type { NewManifest } from '../storage/metadata/store-manifest.ts';
import type { TagCondition } from '../storage/metadata/tags.ts';
import type { Stores } from '../storage/stores.ts';
import { newManifest } from './new-manifest.ts';

/** How many missing blobs, and how many missing manifests, an error lists. */
const MAX_DETAILS = 100;

/** For those whose tag may not move. */
const ADVICE = 'push under another tag';

/** A manifest on its way in. */
export interface ManifestPush {
  reference: Reference;
  bytes: Uint8Array;
  contentType: string | null;
  tags: readonly Tag[]; // beside the one that the reference may be
  conditions: readonly Omit<TagCondition, 'reference'>[]; // on what the reference names so far
}

/** What became of a push. */
export interface PushedManifest {
  digest: Digest;
  subject: SubjectDigest | null;
}

/** Takes manifests into a repository. */
export class ManifestPushes {
  readonly #repository: RepositoryName;
  readonly #stores: Stores;
  readonly #actor: Actor;

  constructor(repository: RepositoryName, stores: Stores, actor: Actor) {
    this.#repository = repository;
    this.#stores = stores;
    this.#actor = actor;
  }

  /**
   * Stores a manifest and points tags at it: everything or nothing. All that it names has to be in
   * the repository, but for its subject and for layers that may be elsewhere.
   *
   * @throws DIGEST_INVALID, MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN (a detail for each digest),
   *   NAME_UNKNOWN where pushes make no repositories, TAG_IMMUTABLE, or TAG_MOVED when a condition does not hold
   */
  async put(push: ManifestPush): Promise<PushedManifest> {
    const { reference, bytes } = push;
    const digest = digestOf(
      bytes,
      'digest' in reference ? algorithmOf(reference.digest) : CANONICAL_ALGORITHM,
    );
    if ('digest' in reference && reference.digest !== digest) {
      throw new RegistryError('DIGEST_INVALID', `the manifest has the digest ${digest}`);
    }
    const manifest = parseManifest(bytes, push.contentType);
    const row = await newManifest(this.#stores, this.#repository, manifest, digest, bytes);
    await this.#store(row, push);
    return { digest, subject: manifest.subject };
  }

  async #store(row: NewManifest, { reference, tags, conditions }: ManifestPush): Promise<void> {
    const allTags = [...new Set('tag' in reference ? [reference.tag, ...tags] : tags)];
    const { metadata, memberships } = this.#stores;
    try {
      await metadata.manifests.put(
        this.#repository,
        row,
        allTags,
        conditions.map((condition) => ({ ...condition, reference })),
        this.#actor,
      );
    } catch (error) {
      if (row.key !== null) {
        await metadata.uploads.abandon(row.key);
      }
      if (isImmutable(error)) {
        throw await explainImmovable(metadata, this.#repository, allTags, row.digest, ADVICE);
      }
      if (!(error instanceof ConstraintError)) {
        throw error;
      }
      if (error.constraint === 'foreign key') {
        throw await this.#missingContent(row);
      }
      throw conditions.length > 0
        ? new RegistryError('TAG_MOVED')
        : new RegistryError('UNAVAILABLE', 'storing the manifest took too long; try again');
    } finally {
      await memberships.forget('tags', this.#repository, allTags);
    }
  }

  async #missingContent(row: NewManifest): Promise<RegistryError> {
    const missing = [
      ...(await this.#stores.metadata.blobs.missing(this.#repository, row.blobs, MAX_DETAILS)),
      ...(await this.#stores.metadata.manifests.missing(
        this.#repository,
        row.children,
        MAX_DETAILS,
      )),
    ];
    return missing.length === 0
      ? new RegistryError('UNAVAILABLE', 'the content arrived just now; try again')
      : new RegistryError('MANIFEST_BLOB_UNKNOWN', undefined, { details: missing });
  }
}
