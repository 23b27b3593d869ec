import type { Command } from 'commander';
import { formatCount } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { RefusalError, UsageError } from './errors.ts';
import { parseWholeNumber } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface Repository {
  name: string;
}

interface DeletedRepository extends Repository {
  id: number;
  deletedAt: string;
  restorableUntil: string;
}

const DELETED: Columns<DeletedRepository> = {
  id: (repository) => repository.id,
  repository: (repository) => repository.name,
  deleted: (repository) => repository.deletedAt,
  'restorable until': (repository) => repository.restorableUntil,
};

const ID = [
  '--id <number>',
  'which one, if several had the name; else the one deleted last',
  parseWholeNumber,
] as const;

/** repo list, create, delete, deleted, restore, purge. */
export function addRepositoryCommands(program: Command): void {
  const group = program.command('repo').description('repositories');
  group
    .command('list [namespace]')
    .description('list those that you may pull, in all your namespaces unless one is named')
    .action(list);
  group
    .command('create <repository>')
    .description('make an empty one, where pushes make none')
    .action(create);
  group
    .command('delete <repository>')
    .description('delete one with all that is in it; it can be restored for a while')
    .action(remove);
  group.command('deleted <namespace>').description('list deleted ones').action(listDeleted);
  group
    .command('restore <repository>')
    .description('give a deleted one its name back')
    .option(...ID)
    .action(restore);
  group
    .command('purge <repository>')
    .description('delete a deleted one for good')
    .option(...ID)
    .action(purge);
}

async function list(namespace: string | undefined, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const namespaces = namespace === undefined ? await namespacesOf(api) : [namespace];
  const repositories: Repository[] = [];
  for (const name of namespaces) {
    const path = apiPath`/namespaces/${name}/repositories`;
    repositories.push(...(await api.list<Repository>(path, 'repositories')));
  }
  output.list(repositories, { repository: ({ name }) => name });
}

async function create(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespaceOf(name)}/repositories`;
  const repository = await api.send<Repository>('POST', path, { name });
  output.done(`There is a repository ${name}`, repository);
}

async function remove(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/namespaces/${namespaceOf(name)}/repositories/${name}`);
  output.done(`The repository ${name} is deleted; "edgewater repo restore" brings it back`);
}

async function listDeleted(namespace: string, _: unknown, command: Command): Promise<void> {
  if (namespace.includes('/')) {
    throw new UsageError(
      `"${namespace}" is a repository: name its namespace, "edgewater repo deleted ${namespaceOf(namespace)}"`,
    );
  }
  const { api, output } = await openSession(command);
  output.list(await deletedOf(api, namespace), DELETED);
}

async function restore(name: string, { id }: { id?: number }, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const [chosen, ...others] = await find(api, name, id);
  const path = apiPath`/namespaces/${namespaceOf(name)}/deleted-repositories/${String(chosen.id)}/restore`;
  const repository = await api.send<Repository>('POST', path);
  output.done(
    `The repository ${name} is back, as it was deleted at ${chosen.deletedAt}`,
    repository,
  );
  const [next] = others;
  if (next !== undefined) {
    output.note(
      `${formatCount(others.length, 'other one', 'other ones')} of this name can be restored too ` +
        `("edgewater repo deleted ${namespaceOf(name)}" lists them): to have the one that was deleted at ` +
        `${next.deletedAt} instead, delete this one, and then "edgewater repo restore ${name} --id ${next.id}"`,
    );
  }
}

async function purge(name: string, { id }: { id?: number }, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const [chosen] = await find(api, name, id);
  await api.send(
    'DELETE',
    apiPath`/namespaces/${namespaceOf(name)}/deleted-repositories/${String(chosen.id)}`,
  );
  output.done(
    `The deleted repository ${name} cannot be restored any more, and no backup from now on has it. The ` +
      'collector takes it apart within a quarter of an hour, or "edgewater gc" now, which frees its room in the ' +
      'quota; bytes that nothing else needs leave the bucket a day later. Backups that were made before still have it.',
  );
}

/** The deleted repository that is meant, and then the others that had its name. @throws RefusalError */
async function find(
  api: Api,
  name: string,
  id: number | undefined,
): Promise<[DeletedRepository, ...DeletedRepository[]]> {
  const found = (await deletedOf(api, namespaceOf(name)))
    .filter((repository) => repository.name === name)
    .sort((a, b) => b.deletedAt.localeCompare(a.deletedAt) || b.id - a.id);
  const chosen = found.find((repository) => (id ?? repository.id) === repository.id);
  if (chosen === undefined) {
    throw new RefusalError(
      `no deleted repository ${id === undefined ? '' : `with the id ${id} `}had the name ${name}; see ` +
        `"edgewater repo deleted ${namespaceOf(name)}"`,
    );
  }
  return [chosen, ...found.filter((repository) => repository !== chosen)];
}

function deletedOf(api: Api, namespace: string): Promise<DeletedRepository[]> {
  return api.list(apiPath`/namespaces/${namespace}/deleted-repositories`, 'repositories');
}

function namespaceOf(name: string): string {
  return name.split('/', 1)[0] ?? '';
}

async function namespacesOf(api: Api): Promise<string[]> {
  const namespaces = await api.list<{ name: string }>(apiPath`/namespaces`, 'namespaces');
  return namespaces.map(({ name }) => name);
}
