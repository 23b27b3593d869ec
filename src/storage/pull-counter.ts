import { waitUntil } from 'cloudflare:workers';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Isolate } from './isolate.ts';
import type { PullMetadata } from './metadata/pulls.ts';

/** Tags and digests that one statement writes: some 400 bytes of JSON each. */
const MAX_REFERENCES = 1000;

/** A wait that the runtime has cut off does not tell: after this much longer another one begins. */
const PATIENCE = 10_000; // milliseconds

/** The pulls of one tag or digest that are not written down yet. */
export interface UnwrittenPulls {
  repository: RepositoryName;
  reference: string;
  count: number;
  lastAt: number; // milliseconds since the epoch
}

/**
 * Counts pulls in the memory of the isolate, so that a pull neither asks nor writes anything. The first
 * one after a flush waits behind its answer for an interval and then writes all that were counted, in
 * one statement.
 *
 * What is lost: when an isolate is evicted, what it counted in its last interval; above
 * {@link MAX_REFERENCES} tags and digests within one flush, the pulls of further ones. What may be
 * counted twice: one interval, when the database wrote it down but did not say so.
 */
export class PullCounter {
  readonly #isolate: Isolate;
  readonly #pulls: PullMetadata;
  readonly #interval: number; // milliseconds

  /** `interval` is in seconds: 0 counts nothing, and the runtime lets nobody wait for more than 30. */
  constructor(isolate: Isolate, pulls: PullMetadata, interval: number) {
    this.#isolate = isolate;
    this.#pulls = pulls;
    this.#interval = interval * 1000;
  }

  /** Counts a pull of each of some tags and digests. */
  count(repository: RepositoryName, references: readonly string[]): void {
    if (this.#interval === 0 || references.length === 0) {
      return;
    }
    const now = Date.now();
    for (const reference of references) {
      this.#add({ repository, reference, count: 1, lastAt: now });
    }
    const { pulls, pullsFlushBy } = this.#isolate;
    if (pulls.size >= MAX_REFERENCES || pullsFlushBy <= now) {
      this.#isolate.pullsFlushBy = now + this.#interval + PATIENCE;
      waitUntil(this.#flushAfter(pulls.size >= MAX_REFERENCES ? 0 : this.#interval));
    }
  }

  /** Writes down what was counted; what the database does not take is kept for the next time. */
  async flush(): Promise<void> {
    const { pulls } = this.#isolate;
    this.#isolate.pulls = new Map(); // taken at once: another flush finds nothing of it
    this.#isolate.pullsFlushBy = 0;
    if (pulls.size === 0) {
      return;
    }
    const now = Date.now();
    const counted = Array.from(pulls.values(), ({ repository, reference, count, lastAt }) => {
      return { repository, reference, count, age: Math.max(0, Math.round((now - lastAt) / 1000)) };
    });
    try {
      await this.#pulls.add(counted);
    } catch (error) {
      console.error('Pulls were not written down:', error);
      for (const unwritten of pulls.values()) {
        this.#add(unwritten);
      }
    }
  }

  async #flushAfter(delay: number): Promise<void> {
    if (delay > 0) {
      await scheduler.wait(delay);
    }
    await this.flush();
  }

  #add({ repository, reference, count, lastAt }: UnwrittenPulls): void {
    const { pulls } = this.#isolate;
    const key = `${repository}@${reference}`;
    const known = pulls.get(key);
    if (known !== undefined) {
      known.count += count;
      known.lastAt = Math.max(known.lastAt, lastAt);
    } else if (pulls.size < MAX_REFERENCES) {
      pulls.set(key, { repository, reference, count, lastAt });
    }
  }
}
