/**
 * One fetch at a time: the Durable Object of one blob, one tag or one manifest of an upstream. However
 * many ask for it, wherever in the world, it asks the upstream once and the others wait.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import type { Digest, SubjectDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { type Result, toResult } from '../rpc/result.ts';
import type { Stores } from '../storage/stores.ts';
import { adoptBlob } from './adopt-blob.ts';
import { AnswerMemory } from './answer-memory.ts';
import { type BlobFetch, fetchBlob } from './fetch-blob.ts';
import { fetchManifest } from './fetch-manifest.ts';
import { fetchReferrers } from './fetch-referrers.ts';
import { openOwnStores, openSource } from './open-source.ts';
import { isWanted } from './platforms.ts';
import { refreshTag, type TagState, whyStale } from './refresh-tag.ts';
import type { Source } from './source.ts';

export class MirrorFetch extends DurableObject<Env> {
  readonly #stores: Stores;
  readonly #memory = new AnswerMemory();
  #running: { repository: RepositoryName; work: Promise<unknown> } | null = null;
  #waiting = 0;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#stores = openOwnStores(env);
  }

  /**
   * Has a blob fetched for a repository. The first of several who want its bytes gets them as they come;
   * for all others the answer is null, and comes when the blob is stored.
   *
   * @throws BLOB_UNKNOWN, NAME_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, UPSTREAM_LIED,
   *   QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, UPLOAD_TOO_LARGE, RESTORE_UNDER_WAY, UNAVAILABLE
   */
  blob(
    repository: RepositoryName,
    digest: Digest,
    wantsBytes: boolean,
  ): Promise<Result<ReadableStream<Uint8Array> | null>> {
    return toResult(async () => {
      while (this.#running !== null) {
        if (await this.#follow(this.#running, repository)) {
          return null;
        }
      }
      const starting = this.#startBlob(repository, digest);
      this.#run(
        repository,
        starting.then((fetch) => fetch?.stored),
      );
      const fetch = await starting;
      if (fetch === null || wantsBytes) {
        return fetch?.readable ?? null;
      }
      await fetch.readable.cancel();
      await fetch.stored;
      return null;
    });
  }

  /**
   * Has a manifest fetched by its digest.
   *
   * @throws MANIFEST_UNKNOWN, NAME_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, UPSTREAM_LIED,
   *   QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY, UNAVAILABLE
   */
  manifest(repository: RepositoryName, digest: Digest): Promise<Result<void>> {
    return toResult(() =>
      this.#shared(repository, async (source) => {
        const { manifests } = this.#stores.metadata;
        if ((await manifests.stat(repository, { digest })) !== null) {
          return;
        }
        await this.#checkPlatform(source, digest);
        await this.#memory.remembering(source, () => fetchManifest(source, { digest }));
      }),
    );
  }

  /**
   * Has a tag brought up to date with the upstream, if it was not within its maximum age.
   *
   * @throws MANIFEST_UNKNOWN, NAME_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, UPSTREAM_LIED,
   *   QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY, UNAVAILABLE
   */
  tag(repository: RepositoryName, tag: Tag): Promise<Result<TagState>> {
    return toResult(() =>
      this.#shared(repository, async (source) => {
        const known = this.#memory.stale();
        if (known !== null) {
          return known;
        }
        const state = await this.#memory.remembering(source, () => refreshTag(source, tag));
        this.#memory.noteStale(state, source.upstream);
        return state;
      }),
    );
  }

  /**
   * Has what refers to a manifest fetched, if all of it was not within the maximum age of tags. When that
   * cannot be had or stored, what is here has to do, unless the upstream's settings say otherwise.
   *
   * @throws NAME_UNKNOWN, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, UPSTREAM_LIED,
   *   QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY, UNAVAILABLE
   */
  referrers(repository: RepositoryName, subject: SubjectDigest): Promise<Result<void>> {
    return toResult(() =>
      this.#shared(repository, async (source) => {
        if (this.#memory.isListed()) {
          return;
        }
        try {
          if (await fetchReferrers(source, subject, this.#memory.gone)) {
            this.#memory.noteListed(source.upstream);
          }
        } catch (error) {
          if (whyStale(source, error) === null) {
            throw error;
          }
        }
      }),
    );
  }

  /** Does something that others who come meanwhile want as well: they get the same result, or failure. */
  #shared<T>(repository: RepositoryName, work: (source: Source) => Promise<T>): Promise<T> {
    if (this.#running !== null) {
      return this.#running.work as Promise<T>;
    }
    const running = this.#open(repository).then(work);
    this.#run(repository, running);
    return running;
  }

  async #open(repository: RepositoryName): Promise<Source> {
    const source = await openSource(this.env, this.#stores, repository);
    this.#memory.begin(source.upstream);
    return source;
  }

  /**
   * Waits for the fetch that is under way. False when another is to be made: what it brings is another
   * repository's, and what that lacks or may not have says nothing of this one.
   */
  async #follow(
    { repository, work }: { repository: RepositoryName; work: Promise<unknown> },
    follower: RepositoryName,
  ): Promise<boolean> {
    this.#waiting += 1;
    try {
      await work;
    } catch (error) {
      if (repository === follower) {
        throw error;
      }
    } finally {
      this.#waiting -= 1;
    }
    return repository === follower;
  }

  #run(repository: RepositoryName, running: Promise<unknown>): void {
    const work = running.finally(() => {
      this.#running = null;
    });
    work.catch(() => {}); // whoever waits for it learns of it
    this.#running = { repository, work };
  }

  async #hasBlob(repository: RepositoryName, digest: Digest): Promise<boolean> {
    return (await this.#stores.metadata.blobs.find(repository, digest)) !== null;
  }

  async #startBlob(repository: RepositoryName, digest: Digest): Promise<BlobFetch | null> {
    const source = await this.#open(repository);
    if (await this.#hasBlob(repository, digest)) {
      return null;
    }
    return this.#memory.remembering(source, async () => {
      if (await adoptBlob(source, digest)) {
        return null;
      }
      const { mirrored } = this.#stores.metadata;
      const wanted = await mirrored.findUnfetched(repository, digest, 'blob');
      return fetchBlob(source, digest, wanted?.size ?? null, () => this.#waiting === 0);
    });
  }

  /** An index may name platforms that this mirror leaves out. */
  async #checkPlatform({ upstream, stores, repository }: Source, digest: Digest): Promise<void> {
    const { platforms } = upstream;
    const named =
      platforms === null
        ? null
        : await stores.metadata.mirrored.findUnfetched(repository, digest, 'manifest');
    if (platforms !== null && named?.platform != null && !isWanted(named.platform, platforms)) {
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        `the mirror of ${upstream.namespace} leaves ${named.platform} out: it has ${platforms.join(', ')}`,
      );
    }
  }
}
