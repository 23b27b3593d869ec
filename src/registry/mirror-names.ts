import { RegistryError } from '../oci/errors.ts';
import { isRepositoryName, namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { Mirrors } from '../storage/mirrors.ts';

const DOCKER_HUB = 'docker.io';

/** Which repository a name means, where clients leave out the registry that they mean by it. */
export class MirrorNames {
  readonly #mirrors: Mirrors;
  readonly #default: string | null;

  /** `standard` is the mirror of names whose namespace is not here, as of dockerd's `registry-mirrors`. */
  constructor(mirrors: Mirrors, standard: string | null) {
    this.#mirrors = mirrors;
    this.#default = standard;
  }

  /**
   * The repository that somebody means who reads `name`.
   *
   * containerd says in `ns` which registry it was asked for: then nothing of our own is meant, unless it
   * is `host`. A name of our own is never looked for elsewhere: only where the registry has no such
   * namespace the default mirror is meant. Whether the registry has a mirror here is not asked: see
   * {@link check}.
   *
   * @throws NAME_UNKNOWN when no mirror could have it
   */
  async resolve(name: RepositoryName, ns: string | null, host: string): Promise<RepositoryName> {
    if (ns !== null && ns !== '' && ns !== host) {
      return this.#below(ns, name);
    }
    const namespace = namespaceOf(name);
    if (await this.#mirrors.find(namespace)) {
      return this.#below(namespace, name.slice(namespace.length + 1));
    }
    const isOurs = this.#default === null || (await this.#mirrors.hasNamespace(namespace));
    return isOurs ? name : this.#below(this.#default as string, name);
  }

  /** Whether a repository is another registry's, of which this one has a mirror. */
  isMirrored(name: RepositoryName): Promise<boolean> {
    return this.#mirrors.isMirrored(name);
  }

  /**
   * For a name that means another repository than it says: nothing of our own may be meant by that. To be
   * asked when the caller is known to be allowed to know.
   *
   * @throws NAME_UNKNOWN when the repository is in no mirror
   */
  async check(meant: RepositoryName): Promise<void> {
    if (!(await this.isMirrored(meant))) {
      const namespace = namespaceOf(meant);
      throw new RegistryError('NAME_UNKNOWN', `there is no mirror of ${namespace} here`);
    }
  }

  /** Docker Hub's names of one part are short for those below "library". */
  #below(namespace: string, name: string): RepositoryName {
    const isShort = namespace === DOCKER_HUB && name !== '' && !name.includes('/');
    const full = `${namespace}/${isShort ? 'library/' : ''}${name}`;
    if (!isRepositoryName(full) || namespaceOf(full) !== namespace) {
      throw new RegistryError('NAME_UNKNOWN', `${namespace} cannot have a repository "${name}"`);
    }
    return full;
  }
}
