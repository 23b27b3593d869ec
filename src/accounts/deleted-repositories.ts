import { decide } from '../auth/decide.ts';
import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { DeletedRepository } from '../storage/metadata/deleted-repositories.ts';
import type { Stores } from '../storage/stores.ts';
import type { Context } from './context.ts';
import { enterRepository, unknownRepository } from './enter-repository.ts';
import { type Page, toPage } from './page.ts';

/** Somebody who may make repositories in a namespace: they delete and restore them too. */
export interface Keeper {
  context: Context;
  identity: Identity;
  origin: Origin;
  namespace: string;
}

/** How many names are forgotten at once where a repository is deleted. */
const MAX_FORGOTTEN = 20;

/**
 * Deletes a repository: at once for every query by its name. It can be restored for the days that its
 * namespace is set to. Manifests that were read by digest may be answered for the maximum age of a
 * membership; the newest ones are forgotten where this is asked.
 *
 * @throws ACCOUNT_UNKNOWN; DENIED for those who may not delete in it; TAG_IMMUTABLE while it has an
 *   immutable tag
 */
export async function deleteRepository(
  { context, identity, origin, namespace }: Keeper,
  stores: Stores,
  text: string,
): Promise<void> {
  const { metadata, actor } = context;
  const name = await enterRepository(metadata, identity, origin, text, 'delete');
  if (namespaceOf(name) !== namespace) {
    throw unknownRepository(identity);
  }
  const newest = await metadata.repositories.newest(name, MAX_FORGOTTEN);
  try {
    if (!(await metadata.deletedRepositories.delete(name, actor))) {
      throw unknownRepository(identity);
    }
  } catch (error) {
    throw error instanceof RegistryError && error.error === 'TAG_IMMUTABLE'
      ? new RegistryError(
          'TAG_IMMUTABLE',
          `a rule makes tags of ${name} immutable: they would go with it; change the rule first`,
        )
      : error;
  } finally {
    await stores.memberships.forget('manifests', name, newest.digests);
    await stores.memberships.forget('tags', name, newest.tags);
  }
}

/** The deleted repositories of a namespace that somebody may delete in; the key is an id. */
export async function listDeletedRepositories(
  keeper: Keeper,
  after: number,
  limit: number,
): Promise<Page<DeletedRepository>> {
  const { metadata } = keeper.context;
  const found = await metadata.deletedRepositories.list(keeper.namespace, after, limit + 1);
  const page = toPage(found, limit, ({ id }) => String(id));
  const allowed = await deletable(
    keeper,
    page.entries.map(({ name }) => name),
  );
  return { ...page, entries: page.entries.filter(({ name }) => allowed.has(name)) };
}

/**
 * Gives a deleted repository its name back.
 *
 * @throws ACCOUNT_UNKNOWN, ACCOUNT_EXISTS when a new repository has the name, or
 *   QUOTA_OF_REPOSITORIES_EXCEEDED
 */
export async function restoreRepository(keeper: Keeper, id: number): Promise<RepositoryName> {
  const { metadata, actor } = keeper.context;
  const repository = await find(keeper, id);
  if (!(await metadata.deletedRepositories.restore(repository, actor))) {
    await find(keeper, id);
    throw new RegistryError(
      'ACCOUNT_EXISTS',
      `there is a new repository of the name ${repository.name}: delete that one first, it can be ` +
        'restored as well, and then restore this one by its id: "edgewater repo restore ' +
        `${repository.name} --id ${id}"`,
    );
  }
  return repository.name;
}

/** Lets the collector have a deleted repository now. @throws ACCOUNT_UNKNOWN */
export async function purgeRepository(keeper: Keeper, id: number): Promise<void> {
  const { metadata, actor } = keeper.context;
  if (!(await metadata.deletedRepositories.purge(await find(keeper, id), actor))) {
    throw unknownDeleted();
  }
}

async function find(keeper: Keeper, id: number): Promise<DeletedRepository> {
  const { metadata } = keeper.context;
  const found = await metadata.deletedRepositories.find(keeper.namespace, id);
  if (found === null || !(await deletable(keeper, [found.name])).has(found.name)) {
    throw unknownDeleted();
  }
  return found;
}

/** Those of the names that the keeper may delete, for a member may have another role on some of them. */
export async function deletable(
  { context, identity, origin }: Omit<Keeper, 'namespace'>,
  names: readonly RepositoryName[],
): Promise<Set<RepositoryName>> {
  const records =
    names.length === 0 ? [] : await context.metadata.access.find(identity.principal, names);
  const allowed = records.filter((access) => decide(identity, 'delete', access, origin).allowed);
  return new Set(allowed.map(({ repository }) => repository));
}

function unknownDeleted(): RegistryError {
  return new RegistryError(
    'ACCOUNT_UNKNOWN',
    'there is no such deleted repository, or not any more',
  );
}
