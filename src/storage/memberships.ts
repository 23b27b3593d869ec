import { waitUntil } from 'cloudflare:workers';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { EdgeCache } from './edge-cache.ts';
import type { Isolate } from './isolate.ts';
import { membershipCacheKey } from './keys.ts';

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
  forgotten: number; // what was forgotten in the isolate by then
}

interface Remembered<Value> {
  value: Value;
  until: number; // milliseconds since the epoch
}

const ENTRY_SIZE = 512; // bytes, about, beside the key

/**
 * Remembers that a repository has some content: in this isolate, and for the others of the location
 * in the edge cache. That it has not is never remembered, so what is pushed is there at once.
 *
 * What is deleted is forgotten at once where the delete was asked for; elsewhere it may be answered
 * for as long as the maximum age, counted from when the database was asked.
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
    find: () => Promise<Value | null>,
  ): Promise<Value | null> {
    const maxAge = this.#maxAgeOf(kind);
    if (maxAge === 0) {
      return find();
    }
    const key = membershipCacheKey(kind, repository, name);
    const known = this.#isolate.memberships.get(key) as Value | undefined;
    if (known !== undefined) {
      return known;
    }
    const before = this.now();
    const cached = await this.#cache.json<Remembered<Value>>(key);
    if (cached !== null && cached.until > Date.now()) {
      this.#remember(key, cached, before);
      return cached.value;
    }
    const asked = this.now();
    const value = await find();
    const remembered = { value, until: asked.at + maxAge * 1000 };
    if (value !== null && this.#remember(key, remembered, before)) {
      waitUntil(this.#share(key, remembered, maxAge, before));
    }
    return value;
  }

  /** The moment before a query of which {@link learn} is told the answer. */
  now(): Moment {
    return { at: Date.now(), forgotten: this.#isolate.forgotten };
  }

  /** Remembers in this isolate what came along with the answer to another question. */
  learn(
    kind: MembershipKind,
    repository: RepositoryName,
    values: Iterable<readonly [name: string, value: unknown]>,
    asked: Moment,
  ): void {
    const until = asked.at + this.#maxAgeOf(kind) * 1000;
    for (const [name, value] of values) {
      this.#remember(membershipCacheKey(kind, repository, name), { value, until }, asked);
    }
  }

  /** Forgets what was deleted or moved, when the database knows of it. */
  async forget(
    kind: MembershipKind,
    repository: RepositoryName,
    names: readonly string[],
  ): Promise<void> {
    if (this.#maxAgeOf(kind) === 0) {
      return;
    }
    this.#isolate.forgotten += 1;
    const keys = names.map((name) => membershipCacheKey(kind, repository, name));
    for (const key of keys) {
      this.#isolate.memberships.delete(key);
    }
    await Promise.all(keys.map((key) => this.#cache.delete(key)));
  }

  #maxAgeOf(kind: MembershipKind): number {
    return kind === 'tags' ? this.#maxAges.tag : this.#maxAges.membership;
  }

  async #share(
    key: string,
    remembered: Remembered<unknown>,
    maxAge: number,
    before: Moment,
  ): Promise<void> {
    await this.#cache.putJson(key, remembered, maxAge);
    if (this.#isolate.forgotten !== before.forgotten) {
      await this.#cache.delete(key); // it may have been this
    }
  }

  /** False when something was forgotten since `before`. */
  #remember(key: string, { value, until }: Remembered<unknown>, before: Moment): boolean {
    if (this.#isolate.forgotten !== before.forgotten) {
      return false;
    }
    this.#isolate.memberships.set(key, value, ENTRY_SIZE + 2 * key.length, until);
    return true;
  }
}
