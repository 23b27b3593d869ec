import type { Descriptor } from '../oci/descriptor.ts';
import {
  algorithmOf,
  CANONICAL_ALGORITHM,
  type Digest,
  digestOf,
  type SubjectDigest,
} from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import type { Reference, Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Content } from '../storage/content-store.ts';
import { newManifestKey } from '../storage/keys.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import { ConstraintError } from '../storage/metadata/database.ts';
import type { ManifestRecord, ManifestWithBody } from '../storage/metadata/manifests.ts';
import type { NewManifest } from '../storage/metadata/store-manifest.ts';
import type { TagCondition } from '../storage/metadata/tags.ts';
import type { Stores } from '../storage/stores.ts';

export type { ManifestRecord };

/** The spec asks for 4 MiB (distribution-spec v1.1.1 "Pushing Manifests"). */
export const MAX_MANIFEST_SIZE = 4 * 2 ** 20; // bytes

/** Above this the body is in R2: a row of D1 may have 2 MB. */
const MAX_INLINE_SIZE = 1_000_000; // bytes

/** How many missing blobs, and how many missing manifests, an error lists. */
const MAX_DETAILS = 100;

/** A large manifest is stored and committed within one request. */
const COMMIT_TIME = 10 * 60; // seconds

/** A manifest on its way in. */
export interface ManifestPush {
  reference: Reference;
  bytes: Uint8Array;
  contentType: string | null;
  tags: readonly Tag[]; // beside the one that the reference may be
  conditions: readonly Omit<TagCondition, 'reference'>[]; // on what the reference names so far
}

/** The manifests and indexes of a repository. */
export class Manifests {
  readonly #repository: RepositoryName;
  readonly #stores: Stores;
  readonly #actor: Actor;

  constructor(repository: RepositoryName, stores: Stores, actor: Actor) {
    this.#repository = repository;
    this.#stores = stores;
    this.#actor = actor;
  }

  /**
   * Finds a manifest to read it. That it is there may be remembered from a moment ago; what a tag
   * names is not, unless a maximum age is set for that.
   *
   * @throws MANIFEST_UNKNOWN
   */
  async get(reference: Reference): Promise<ManifestWithBody> {
    let body: string | null = null;
    const record = await this.#recall(reference, async () => {
      const found = await ('tag' in reference
        ? this.#stores.metadata.manifests.find(this.#repository, reference)
        : this.#findNearby(reference.digest));
      if (found === null) {
        return null;
      }
      body = found.body;
      const { digest, mediaType, size, key } = found;
      return { digest, mediaType, size, key };
    });
    return { ...known(record), body };
  }

  /**
   * As {@link get}, for somebody who does not want the bytes.
   *
   * @throws MANIFEST_UNKNOWN
   */
  async stat(reference: Reference): Promise<ManifestRecord> {
    const { manifests } = this.#stores.metadata;
    const record = await this.#recall(reference, () =>
      'tag' in reference
        ? manifests.stat(this.#repository, reference)
        : manifests.statNearby(this.#repository, reference.digest),
    );
    return known(record);
  }

  /**
   * As {@link stat}, for a pusher, who goes on as if it were there: nothing remembered will do.
   *
   * @throws MANIFEST_UNKNOWN
   */
  async statForPush(reference: Reference): Promise<ManifestRecord> {
    return known(await this.#stores.metadata.manifests.stat(this.#repository, reference));
  }

  /**
   * The exact bytes of a manifest that {@link get} found.
   *
   * @throws MANIFEST_UNKNOWN when it was deleted since
   */
  async open(manifest: ManifestWithBody): Promise<string | Content> {
    const { body, digest, key, size } = manifest;
    if (body !== null) {
      return body;
    }
    const { content } = this.#stores;
    if (key !== null) {
      return content.open({ digest, key, size }, null);
    }
    const near = await content.find(digest, size, null);
    return near ?? known(await this.#findNearby(digest)).body ?? '';
  }

  /**
   * Stores a manifest and points tags at it: everything or nothing. All that it names has to be in
   * the repository, but for its subject and for layers that may be elsewhere.
   *
   * @throws DIGEST_INVALID, MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN (a detail for each digest), or
   *   TAG_MOVED when a condition does not hold
   */
  async put(push: ManifestPush): Promise<{ digest: Digest; subject: SubjectDigest | null }> {
    const { reference, bytes } = push;
    const digest = digestOf(
      bytes,
      'digest' in reference ? algorithmOf(reference.digest) : CANONICAL_ALGORITHM,
    );
    if ('digest' in reference && reference.digest !== digest) {
      throw new RegistryError('DIGEST_INVALID', `the manifest has the digest ${digest}`);
    }
    const manifest = parseManifest(bytes, push.contentType);
    await this.#store(await this.#toRow(manifest, digest, bytes), push);
    return { digest, subject: manifest.subject };
  }

  /**
   * Deletes a manifest and its tags, or by tag just the tag.
   *
   * @throws MANIFEST_UNKNOWN, or MANIFEST_REFERENCED while an index names it
   */
  async delete(reference: Reference): Promise<void> {
    const { tags, manifests } = this.#stores.metadata;
    try {
      const isDeleted =
        'tag' in reference
          ? await tags.delete(this.#repository, reference.tag, this.#actor)
          : await manifests.delete(this.#repository, reference.digest, this.#actor);
      if (!isDeleted) {
        throw new RegistryError('MANIFEST_UNKNOWN');
      }
      await this.#forget(reference);
    } catch (error) {
      if (error instanceof ConstraintError) {
        throw new RegistryError(
          'MANIFEST_REFERENCED',
          'an index of this repository names the manifest: delete the index first',
        );
      }
      throw error;
    }
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
      await memberships.forget('tags', this.#repository, allTags);
    } catch (error) {
      if (row.key !== null) {
        await metadata.uploads.abandon(row.key);
      }
      if (!(error instanceof ConstraintError)) {
        throw error;
      }
      throw error.constraint === 'guard'
        ? new RegistryError('TAG_MOVED')
        : await this.#missingContent(row);
    }
  }

  /** Finds a manifest by its digest, and keeps near what comes along with it. */
  async #findNearby(digest: Digest): Promise<ManifestWithBody | null> {
    const { metadata, memberships, content } = this.#stores;
    const asked = memberships.now();
    const found = await metadata.manifests.findNearby(this.#repository, digest);
    if (found === null) {
      return null;
    }
    const blobs = found.blobs.map((blob) => [blob.digest, blob] as const);
    memberships.learn('blobs', this.#repository, blobs, asked);
    if (found.body !== null) {
      content.keep(digest, new TextEncoder().encode(found.body));
    }
    return found;
  }

  #recall<Value>(reference: Reference, find: () => Promise<Value | null>): Promise<Value | null> {
    const { memberships } = this.#stores;
    return 'tag' in reference
      ? memberships.recall('tags', this.#repository, reference.tag, find)
      : memberships.recall('manifests', this.#repository, reference.digest, find);
  }

  #forget(reference: Reference): Promise<void> {
    const { memberships } = this.#stores;
    return 'tag' in reference
      ? memberships.forget('tags', this.#repository, [reference.tag])
      : memberships.forget('manifests', this.#repository, [reference.digest]);
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

  async #toRow(manifest: Manifest, digest: Digest, bytes: Uint8Array): Promise<NewManifest> {
    const isInline = bytes.byteLength <= MAX_INLINE_SIZE;
    return {
      digest,
      mediaType: manifest.mediaType,
      size: bytes.byteLength,
      body: isInline ? new TextDecoder().decode(bytes) : null,
      key: isInline ? null : await this.#storeLarge(bytes, digest),
      artifactType: manifest.artifactType,
      subject: manifest.subject,
      blobs: digestsOf(manifest.blobs),
      externalBlobs: digestsOf(manifest.externalBlobs),
      children: digestsOf(manifest.children),
    };
  }

  async #storeLarge(bytes: Uint8Array, digest: Digest): Promise<string> {
    const key = newManifestKey();
    await this.#stores.metadata.uploads.announce(key, this.#repository, key, COMMIT_TIME);
    if (!(await this.#stores.blobs.put(key, bytes, digest))) {
      throw new Error(`R2 reads another digest than ${digest}`);
    }
    return key;
  }
}

function known<Known extends ManifestRecord>(manifest: Known | null): Known {
  if (manifest === null) {
    throw new RegistryError('MANIFEST_UNKNOWN');
  }
  return manifest;
}

function digestsOf(descriptors: readonly Descriptor[]): Digest[] {
  return [...new Set(descriptors.map((descriptor) => descriptor.digest))];
}
