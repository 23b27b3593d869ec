import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { Isolate } from './isolate.ts';
import type { UpstreamMetadata, UpstreamRecord } from './metadata/upstreams.ts';

/** A changed setting counts everywhere after this. */
const MAX_AGE = 15_000; // milliseconds

/** Which namespaces are mirrors, as this isolate remembers it for a few seconds. */
export class Mirrors {
  readonly #isolate: Isolate;
  readonly #upstreams: UpstreamMetadata;

  constructor(isolate: Isolate, upstreams: UpstreamMetadata) {
    this.#isolate = isolate;
    this.#upstreams = upstreams;
  }

  /** The upstream of a namespace; null when it is no mirror. Only names with a dot can be one. */
  async find(namespace: string): Promise<UpstreamRecord | null> {
    return namespace.includes('.')
      ? this.#recall(`upstream ${namespace}`, () => this.#upstreams.find(namespace))
      : null;
  }

  /** Whether a repository is another registry's, of which this one has a mirror. */
  async isMirrored(name: RepositoryName): Promise<boolean> {
    return (await this.find(namespaceOf(name))) !== null;
  }

  /**
   * Whether the registry has a namespace of that name. That it has not is never remembered: a name that
   * has become its own is looked for nowhere else from then on.
   */
  hasNamespace(name: string): Promise<boolean> {
    return this.#recall(
      `exists ${name}`,
      () => this.#upstreams.hasNamespace(name),
      (exists) => exists,
    );
  }

  async #recall<T>(
    key: string,
    find: () => Promise<T>,
    isKept: (value: T) => boolean = () => true,
  ): Promise<T> {
    const known = this.#isolate.namespaces.get(key) as { value: T } | undefined;
    if (known !== undefined) {
      return known.value;
    }
    const value = await find();
    if (isKept(value)) {
      this.#isolate.namespaces.set(key, { value }, 1, Date.now() + MAX_AGE);
    }
    return value;
  }
}
