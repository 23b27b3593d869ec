import { CatalogReader } from '../auth/catalog-reader.ts';
import { decide } from '../auth/decide.ts';
import type { Identity } from '../auth/identity.ts';
import type { Origin } from '../auth/network.ts';
import { RegistryError } from '../oci/errors.ts';
import { namespaceOf, parseRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { Context } from './context.ts';
import { enterNamespace, unknownNamespace } from './namespaces.ts';
import { type Page, type PageRequest, toPage } from './page.ts';

/** How many names one query asks for while some of them may not be readable. */
const BATCH_SIZE = 1000;

/**
 * The repositories of a namespace that somebody may pull from where they are, by name.
 *
 * @throws ACCOUNT_UNKNOWN when there is none, unless they have a role in the namespace
 */
export async function listRepositories(
  { metadata }: Context,
  identity: Identity,
  origin: Origin,
  namespace: string,
  { after, limit }: PageRequest,
): Promise<Page<RepositoryName>> {
  const reader = new CatalogReader(metadata, identity, origin);
  const visible = await reader.namespaces();
  if (visible !== null && !visible.includes(namespace)) {
    throw unknownNamespace(identity);
  }
  const found: RepositoryName[] = [];
  for (let last = after; found.length <= limit; ) {
    const names = await metadata.repositories.ofNamespace(namespace, last, BATCH_SIZE);
    found.push(...(await reader.readable(names)));
    last = names.at(-1) ?? last;
    if (names.length < BATCH_SIZE) {
      break;
    }
  }
  if (found.length === 0) {
    await enterNamespace(metadata, identity, namespace, 'member');
  }
  return toPage(found, limit, (name) => name);
}

/**
 * Makes an empty repository, where pushes make none. The caller may do so in the namespace; by a glob they
 * may have a lesser role at the name, and then do not.
 *
 * @throws NAME_INVALID, ACCOUNT_INVALID for a name in another namespace, DENIED, ACCOUNT_EXISTS
 */
export async function createRepository(
  { metadata, actor }: Context,
  identity: Identity,
  namespace: string,
  text: string,
): Promise<RepositoryName> {
  const name = parseRepositoryName(text);
  if (namespaceOf(name) !== namespace) {
    throw new RegistryError('ACCOUNT_INVALID', `the name has to begin with "${namespace}/"`);
  }
  const [access] = await metadata.access.find(identity.principal, [name]);
  const decision = access && decide(identity, 'delete', access, null);
  if (!decision?.allowed) {
    throw new RegistryError(
      'DENIED',
      `a repository is made by those who may delete it: ${decision?.because}`,
    );
  }
  if (!(await metadata.repositories.create(name, actor))) {
    throw new RegistryError('ACCOUNT_EXISTS', 'there is a repository of that name');
  }
  return name;
}
