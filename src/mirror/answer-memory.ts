import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { TagState } from './refresh-tag.ts';
import type { Source } from './source.ts';

/** Of how many repositories it is remembered that they do not have a blob. */
const MAX_REPOSITORIES = 100;

interface Absence {
  error: RegistryError;
  until: number; // milliseconds since the epoch
}

/** What the upstream did not give is not asked for again for a while. */
export class AnswerMemory {
  readonly #absences = new Map<RepositoryName, Absence>();
  #stale: { state: TagState; until: number } | null = null;

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

  /** `maxAge` is in seconds. */
  noteStale(state: TagState, maxAge: number): void {
    this.#stale = state.staleBecause === null ? null : { state, until: Date.now() + maxAge * 1000 };
  }
}
