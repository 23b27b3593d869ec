import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { formatTime, type PastTag, type Reference, type Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Content } from '../storage/content-store.ts';
import { explainKept, isImmutable } from '../storage/immutable-tags.ts';
import type { Actor } from '../storage/metadata/audit.ts';
import { ConstraintError, type Source } from '../storage/metadata/database.ts';
import type { ManifestRecord, ManifestWithBody } from '../storage/metadata/manifests.ts';
import type { Stores } from '../storage/stores.ts';
import { type ManifestPush, ManifestPushes, type PushedManifest } from './manifest-pushes.ts';
import { findPast } from './past-manifests.ts';

export type { ManifestRecord };

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
  async get(reference: Reference | PastTag): Promise<ManifestWithBody> {
    if ('pastTag' in reference) {
      const past = await findPast(this.#stores, this.#repository, reference);
      this.#countPull({ digest: past.digest }, [past.digest]);
      return past;
    }
    let body: string | null = null;
    const record = await this.#recall(reference, async (source) => {
      const found = await ('tag' in reference
        ? this.#stores.metadata.manifests.find(this.#repository, reference)
        : this.#findByDigest(reference.digest, source));
      if (found === null) {
        return null;
      }
      body = found.body;
      const { digest, mediaType, size, key } = found;
      return { digest, mediaType, size, key };
    });
    const found = await this.#known(record, reference);
    this.#countPull(reference, [found.digest]);
    return { ...found, body };
  }

  /**
   * As {@link get}, for somebody who does not want the bytes.
   *
   * @throws MANIFEST_UNKNOWN
   */
  async stat(reference: Reference | PastTag): Promise<ManifestRecord> {
    if ('pastTag' in reference) {
      return findPast(this.#stores, this.#repository, reference);
    }
    const { manifests } = this.#stores.metadata;
    const record = await this.#recall(reference, (source) =>
      manifests.stat(this.#repository, reference, 'tag' in reference ? 'primary' : source),
    );
    const found = await this.#known(record, reference);
    this.#countPull(reference, []);
    return found;
  }

  /**
   * As {@link stat}, for a pusher, who goes on as if it were there: nothing remembered will do, and
   * for a while collection leaves it alone.
   *
   * @throws MANIFEST_UNKNOWN
   */
  async statForPush(reference: Reference | PastTag): Promise<ManifestRecord> {
    if ('pastTag' in reference) {
      return this.stat(reference);
    }
    const { manifests } = this.#stores.metadata;
    const record = await manifests.findAndLease(this.#repository, reference);
    const found = known(record);
    this.#countPull(reference, []);
    return found;
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
      return content.open({ key, size }, null);
    }
    const near = await content.find(digest, size, null);
    if (near !== null) {
      return near;
    }
    const found = known(await this.#findByDigest(digest, 'replica'));
    if (found.body === null) {
      throw new Error(`the manifest ${digest} has lost its body`);
    }
    return found.body;
  }

  /** Stores a manifest and points tags at it; see {@link ManifestPushes.put}. */
  put(push: ManifestPush): Promise<PushedManifest> {
    return new ManifestPushes(this.#repository, this.#stores, this.#actor).put(push);
  }

  /**
   * Deletes a manifest and its tags, or by tag just the tag.
   *
   * @throws MANIFEST_UNKNOWN; TAG_IMMUTABLE; or MANIFEST_REFERENCED while an index names it
   */
  async delete(reference: Reference): Promise<void> {
    try {
      const isDeleted = await ('tag' in reference
        ? this.#deleteTag(reference.tag)
        : this.#deleteManifest(reference.digest));
      if (!isDeleted) {
        throw new RegistryError('MANIFEST_UNKNOWN');
      }
    } catch (error) {
      if (isImmutable(error)) {
        throw await explainKept(this.#stores.metadata, this.#repository, reference);
      }
      if (error instanceof ConstraintError) {
        throw new RegistryError(
          'MANIFEST_REFERENCED',
          'an index of this repository names the manifest: delete the index first',
        );
      }
      throw error;
    }
  }

  /**
   * Counts a pull of a tag that was asked for, read or not, and of a digest that was read: docker and
   * containerd ask by tag with HEAD and read by digest, podman reads by tag.
   */
  #countPull(reference: Reference, read: readonly Digest[]): void {
    const asked = 'tag' in reference ? [reference.tag] : [];
    this.#stores.pulls.count(this.#repository, [...asked, ...read]);
  }

  // What was asked to go is forgotten always, for the answer of a delete that was done may be lost.

  async #deleteTag(tag: Tag): Promise<boolean> {
    const { metadata, memberships } = this.#stores;
    try {
      return await metadata.tags.delete(this.#repository, tag, this.#actor);
    } finally {
      await memberships.forget('tags', this.#repository, [tag]);
    }
  }

  async #deleteManifest(digest: Digest): Promise<boolean> {
    const { metadata, memberships } = this.#stores;
    try {
      const tags = await metadata.manifests.delete(this.#repository, digest, this.#actor);
      await memberships.forget('tags', this.#repository, tags ?? []);
      return tags !== null;
    } finally {
      await memberships.forget('manifests', this.#repository, [digest]);
    }
  }

  /** Says of one that is not there why: it is damaged, or was deleted. */
  async #known(record: ManifestRecord | null, reference: Reference): Promise<ManifestRecord> {
    if (record !== null) {
      return record;
    }
    const why = await this.#stores.metadata.absence.ofManifest(this.#repository, reference);
    if (why?.isDamaged) {
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        'the manifest is damaged in storage; push it again',
      );
    }
    if (why?.restorableUntil) {
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        `it was deleted, and can be restored until ${formatTime(why.restorableUntil)}: ` +
          `"edgewater ${'tag' in reference ? 'tag' : 'manifest'} restore"`,
      );
    }
    throw new RegistryError('MANIFEST_UNKNOWN');
  }

  /** Finds a manifest by its digest, and keeps near what comes along with it. */
  async #findByDigest(digest: Digest, source: Source): Promise<ManifestWithBody | null> {
    const { metadata, memberships, content } = this.#stores;
    const asked = memberships.now();
    const found = await metadata.manifests.findWithBlobs(this.#repository, digest, source);
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

  #recall<Value>(
    reference: Reference,
    find: (source: Source) => Promise<Value | null>,
  ): Promise<Value | null> {
    const { memberships } = this.#stores;
    return 'tag' in reference
      ? memberships.recall('tags', this.#repository, reference.tag, find)
      : memberships.recall('manifests', this.#repository, reference.digest, find);
  }
}

function known<Known extends ManifestRecord>(manifest: Known | null): Known {
  if (manifest === null) {
    throw new RegistryError('MANIFEST_UNKNOWN');
  }
  return manifest;
}
