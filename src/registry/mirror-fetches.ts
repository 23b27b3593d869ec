import type { MirrorFetch } from '../mirror/mirror-fetch.ts';
import type { TagState } from '../mirror/refresh-tag.ts';
import type { Digest, SubjectDigest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { failObject } from '../rpc/object-failure.ts';
import { fromResult } from '../rpc/result.ts';
import { blobFetchName, manifestFetchName, referrersFetchName } from '../storage/keys.ts';

export type MirrorFetchObjects = DurableObjectNamespace<MirrorFetch>;

/** The fetches of one repository of a mirror; each is a Durable Object. */
export class MirrorFetches {
  readonly #repository: RepositoryName;
  readonly #objects: MirrorFetchObjects;

  constructor(repository: RepositoryName, objects: MirrorFetchObjects) {
    this.#repository = repository;
    this.#objects = objects;
  }

  /** See {@link MirrorFetch.blob}. */
  async blob(digest: Digest, wantsBytes: boolean): Promise<ReadableStream<Uint8Array> | null> {
    const object = this.#objects.getByName(blobFetchName(this.#repository, digest));
    return fromResult(
      await object.blob(this.#repository, digest, wantsBytes).catch(failObject),
    ) as ReadableStream<Uint8Array> | null;
  }

  /** See {@link MirrorFetch.manifest}. */
  async manifest(digest: Digest): Promise<void> {
    const object = this.#objects.getByName(manifestFetchName(this.#repository, { digest }));
    fromResult(await object.manifest(this.#repository, digest).catch(failObject));
  }

  /** See {@link MirrorFetch.tag}. */
  async tag(tag: Tag): Promise<TagState> {
    const object = this.#objects.getByName(manifestFetchName(this.#repository, { tag }));
    return fromResult(await object.tag(this.#repository, tag).catch(failObject));
  }

  /** See {@link MirrorFetch.referrers}. */
  async referrers(subject: SubjectDigest): Promise<void> {
    const object = this.#objects.getByName(referrersFetchName(this.#repository, subject));
    fromResult(await object.referrers(this.#repository, subject).catch(failObject));
  }
}
