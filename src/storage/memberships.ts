import { waitUntil } from 'cloudflare:workers';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { EdgeCache } from './edge-cache.ts';
import type { Isolate, Remembered } from './isolate.ts';
import { membershipCacheKey } from './keys.ts';
import type { Source } from './metadata/database.ts';

/** What a repository has: a blob or a manifest by its digest, a manifest by its tag. */
export type MembershipKind = 'blobs' | 'manifests' | 'tags';

/** For how many seconds an answer may be repeated without asking the database; 0 for never. */
export interface MaxAges {
  membership: number; // of digests
  tag: number;
}

/** When the database was asked, for what it answers to be remembered. */
export interface Moment {
  at: number; // milliseconds since the epoch
  generation: number; // of the isolate
}

const ENTRY_SIZE = 512; // bytes, about, beside the key

/**
 * Remembers that a repository has some content: in this isolate, and for the others of the location
 * in the edge cache. That it has not is never remembered, so what is pushed is there at once.
 *
 * What is deleted leaves a mark in the location where the delete was asked for: there the primary is
 * asked for it until whatever was remembered before has run out. Elsewhere it may be answered for as
 * long as the maximum age, counted from when the database was asked, which may have been a replica
 * that is behind.
 */
export class Memberships {
  readonly #isolate: Isolate;
  readonly #cache: EdgeCache;
  readonly #maxAges: MaxAges;

  constructor(isolate: Isolate, cache: EdgeCache, maxAges: MaxAges) {
    this.#isolate = isolate;
    this.#cache = cache;
    this.#maxAges = maxAges;
  }

  /** What is remembered of `name`, a digest or a tag; else what `find` says, which is kept. */
  async recall<Value>(
    kind: MembershipKind,
    repository: RepositoryName,
    name: string,
    find: (source: Source) => Promise<Value | null>,
  ): Promise<Value | null> {
    const maxAge = this.#maxAgeOf(kind);
    if (maxAge === 0) {
      return find('replica');
    }
    const key = membershipCacheKey(kind, repository, name);
    const before = this.now();
    const known = this.#isolate.memberships.get(key) ?? (await this.#lookUp(key, before));
    if (known !== undefined) {
      return (known.value as Value | undefined) ?? find('primary');
    }
    const asked = this.now();
    const value = await find('replica');
    const remembered = { value, until: asked.at + maxAge * 1000 };
    if (value !== null && this.#remember(key, remembered, before)) {
      waitUntil(this.#share(key, remembered, maxAge));
    }
    return value;
  }

  /** The moment before a query of which {@link learn} is told the answer. */
  now(): Moment {
    return { at: Date.now(), generation: this.#isolate.generation };
  }

  /** Remembers in this isolate what came along with the answer to another question. */
  learn(
    kind: MembershipKind,
    repository: RepositoryName,
    values: Iterable<readonly [name: string, value: unknown]>,
    asked: Moment,
  ): void {
    const maxAge = this.#maxAgeOf(kind);
    for (const [name, value] of maxAge === 0 ? [] : values) {
      const key = membershipCacheKey(kind, repository, name);
      if (this.#isolate.memberships.get(key) === undefined) {
        this.#remember(key, { value, until: asked.at + maxAge * 1000 }, asked);
      }
    }
  }

  /** Marks what was deleted or moved, or may have been, when the database was told. */
  async forget(
    kind: MembershipKind,
    repository: RepositoryName,
    names: readonly string[],
  ): Promise<void> {
    const maxAge = this.#maxAgeOf(kind);
    if (maxAge === 0) {
      return;
    }
    this.#isolate.generation += 1;
    const mark = { until: Date.now() + maxAge * 1000 };
    await Promise.all(
      names.map((name) => {
        const key = membershipCacheKey(kind, repository, name);
        this.#remember(key, mark, this.now());
        return this.#cache.putJson(key, mark, maxAge);
      }),
    );
  }

  #maxAgeOf(kind: MembershipKind): number {
    return kind === 'tags' ? this.#maxAges.tag : this.#maxAges.membership;
  }

  /** What the location knows, which this isolate then knows too. */
  async #lookUp(key: string, before: Moment): Promise<Remembered | undefined> {
    const cached = await this.#cache.json<Remembered>(key);
    if (cached === null || cached.until <= Date.now()) {
      return undefined;
    }
    this.#remember(key, cached, before);
    return cached;
  }

  /** Lets the location know, unless another isolate has marked it as deleted meanwhile. */
  async #share(key: string, remembered: Remembered, maxAge: number): Promise<void> {
    const isMarked = (await this.#cache.json<Remembered>(key)) !== null;
    if (!isMarked && this.#isolate.memberships.get(key) === remembered) {
      await this.#cache.putJson(key, remembered, maxAge);
    }
  }

  /** False when something was forgotten since `before`. */
  #remember(key: string, remembered: Remembered, before: Moment): boolean {
    if (this.#isolate.generation !== before.generation) {
      return false;
    }
    const size = ENTRY_SIZE + 2 * key.length;
    this.#isolate.memberships.set(key, remembered, size, remembered.until);
    return true;
  }
}
