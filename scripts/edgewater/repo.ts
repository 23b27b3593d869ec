import type { Command } from 'commander';
import { type Api, apiPath } from './api.ts';
import { openSession } from './session.ts';

interface Repository {
  name: string;
}

/** repo list, create. */
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
  const [namespace = ''] = name.split('/', 1);
  const path = apiPath`/namespaces/${namespace}/repositories`;
  const repository = await api.send<Repository>('POST', path, { name });
  output.done(`There is a repository ${name}`, repository);
}

async function namespacesOf(api: Api): Promise<string[]> {
  const namespaces = await api.list<{ name: string }>(apiPath`/namespaces`, 'namespaces');
  return namespaces.map(({ name }) => name);
}
