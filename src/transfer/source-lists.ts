import type { Env } from '../env.ts';
import { openSource, openUpstream } from '../mirror/open-source.ts';
import { isFetched } from '../mirror/remote-repository.ts';
import { RegistryError } from '../oci/errors.ts';
import { isRepositoryName, namespaceOf } from '../oci/repository-name.ts';
import type { TransferOptions } from '../storage/metadata/transfers.ts';
import type { Stores } from '../storage/stores.ts';
import { chooseTags } from './choose-tags.ts';
import { type NamePage, readList } from './read-list.ts';
import type { ListWork, WorkList } from './work-list.ts';

/** Of one transfer. */
const MAX_REPOSITORIES = 10_000;
const MAX_TAGS = 200_000;

const PAGE = 1000; // names

/** Reads what the source of a transfer has, another registry or our own, into its list of work. */
export class SourceLists {
  readonly #env: Env;
  readonly #stores: Stores;
  readonly #work: WorkList;

  constructor(env: Env, stores: Stores, work: WorkList) {
    this.#env = env;
    this.#stores = stores;
    this.#work = work;
  }

  /**
   * Reads the next page of a list.
   *
   * @throws ACCOUNT_INVALID when there is too much; MANIFEST_UNKNOWN when the one tag that is asked for is
   *   not there; NAME_UNKNOWN, UPSTREAM_REFUSED, UPSTREAM_FAILED, UPSTREAM_LIMITED, UNAVAILABLE
   */
  async readPage(list: ListWork, options: TransferOptions): Promise<void> {
    const isOfTags = list.kind === 'tags';
    const page = await (isOfTags ? this.#tags(list, options) : this.#catalog(list, options));
    const added = isOfTags
      ? this.#work.addTags(list.id, chooseTags(page.names, options))
      : await this.#addRepositories(list, page.names, options);
    const isRepeated = added === 0 && page.next === list.cursor;
    const next = isRepeated ? null : page.next;
    this.#check(list, next, options);
    this.#work.turnPage(list.id, next);
  }

  #check(list: ListWork, next: string | null, { tag }: TransferOptions): void {
    const isTooMuch =
      this.#work.total('repositories') > MAX_REPOSITORIES || this.#work.total('tags') > MAX_TAGS;
    if (isTooMuch) {
      throw new RegistryError(
        'ACCOUNT_INVALID',
        `a transfer may have ${MAX_REPOSITORIES} repositories and ${MAX_TAGS} tags: make several of it`,
      );
    }
    if (next === null && tag !== null && !this.#work.hasTags(list.id)) {
      throw new RegistryError('MANIFEST_UNKNOWN', `there is no tag ${tag} in ${list.source}`);
    }
  }

  async #tags({ source, cursor }: ListWork, { isPush }: TransferOptions): Promise<NamePage> {
    if (isPush) {
      const tags = await this.#stores.metadata.tags.list(source, cursor, PAGE);
      if (tags === null) {
        throw new RegistryError('NAME_UNKNOWN', `there is no repository ${source}`);
      }
      return toPage(tags);
    }
    const { client, remote } = await openSource(this.#env, this.#stores, source);
    return readList(client, remote, cursor);
  }

  /** The names of repositories, without their namespace. */
  async #catalog({ source, cursor }: ListWork, { isPush }: TransferOptions): Promise<NamePage> {
    const namespace = namespaceOf(source);
    if (isPush) {
      const { repositories } = this.#stores.metadata;
      const { names, next } = toPage(await repositories.ofNamespace(namespace, cursor, PAGE));
      return { names: names.map((name) => name.slice(namespace.length + 1)), next };
    }
    const { client } = await openUpstream(this.#env, this.#stores, namespace);
    return readList(client, null, cursor);
  }

  /** "old.example.com/team" and "acme" make "acme/app" of "team/app", if the mirror is for that. */
  async #addRepositories(
    { source, target }: ListWork,
    names: readonly string[],
    { isPush }: TransferOptions,
  ): Promise<number> {
    const mirror = namespaceOf(isPush ? target : source);
    const { upstream } = await openUpstream(this.#env, this.#stores, mirror);
    const prefix = `${source}/`;
    return names.filter((name) => {
      const from = `${namespaceOf(source)}/${name}`;
      const to = `${target}/${from.slice(prefix.length)}`;
      return (
        from.startsWith(prefix) &&
        isRepositoryName(from) &&
        isRepositoryName(to) &&
        isFetched(upstream, (isPush ? to : from).slice(mirror.length + 1)) &&
        this.#work.addList('tags', from, to)
      );
    }).length;
  }
}

/** A page of a list of our own, which goes on behind its last name. */
function toPage(names: readonly string[]): NamePage {
  return { names: [...names], next: names.length === PAGE ? (names.at(-1) ?? null) : null };
}
