import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { UpstreamRecord } from '../storage/metadata/upstreams.ts';
import type { TagState } from './refresh-tag.ts';
import type { Source } from './source.ts';

/** Of how many repositories it is remembered that they do not have a blob. */
const MAX_REPOSITORIES = 100;

/** An upstream that could not tell is asked again after this, however long an absence is remembered. */
const LONGEST_STALE = 30; // seconds

interface Absence {
  error: RegistryError;
  until: number; // milliseconds since the epoch
}

/** What the upstream did not give is not asked for again for a while. */
export class AnswerMemory {
  /** What the upstream lists as referrers and does not have; to be left out until all others are here. */
  readonly gone = new Set<Digest>();
  readonly #absences = new Map<RepositoryName, Absence>();
  #settings = '';
  #stale: { state: TagState; until: number } | null = null;
  #listedUntil = 0; // milliseconds since the epoch

  /** Forgets what was said to a mirror with other settings: another login, say, or another host. */
  begin(upstream: UpstreamRecord): void {
    const settings = JSON.stringify(upstream);
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.gone.clear();
      this.#absences.clear();
      this.#stale = null;
      this.#listedUntil = 0;
    }
  }

  /** Does `work`, unless the upstream said a while ago that it does not have that. */
  async remembering<T>({ repository, upstream }: Source, work: () => Promise<T>): Promise<T> {
    const absence = this.#absences.get(repository);
    if (absence !== undefined && absence.until > Date.now()) {
      throw absence.error;
    }
    try {
      return await work();
    } catch (error) {
      if (error instanceof RegistryError && /^(?:BLOB|MANIFEST)_UNKNOWN$/.test(error.error)) {
        if (this.#absences.size >= MAX_REPOSITORIES) {
          this.#absences.clear();
        }
        const until = Date.now() + upstream.missingMaxAge * 1000;
        this.#absences.set(repository, { error, until });
      }
      throw error;
    }
  }

  /** How the tag stands, when the upstream could not tell a while ago; or null. */
  stale(): TagState | null {
    return this.#stale !== null && this.#stale.until > Date.now() ? this.#stale.state : null;
  }

  noteStale(state: TagState, { missingMaxAge }: UpstreamRecord): void {
    const seconds = Math.min(missingMaxAge, LONGEST_STALE);
    this.#stale =
      state.staleBecause === null ? null : { state, until: Date.now() + seconds * 1000 };
  }

  /** Whether all referrers were here a while ago. */
  isListed(): boolean {
    return this.#listedUntil > Date.now();
  }

  noteListed({ tagMaxAge }: UpstreamRecord): void {
    this.gone.clear();
    this.#listedUntil = Date.now() + tagMaxAge * 1000;
  }
}
