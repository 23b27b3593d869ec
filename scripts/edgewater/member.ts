import { Argument, type Command } from 'commander';
import { apiPath } from './api.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface Member {
  principal: string;
  repositories: string;
  role: string;
}

export const ROLES = ['none', 'reader', 'developer', 'maintainer', 'admin'];

const COLUMNS: Columns<Member> = {
  member: (member) => member.principal,
  repositories: (member) => member.repositories,
  role: (member) => member.role,
};

const GLOB = ['--repositories <glob>', 'only these, without the namespace', '**'] as const;

/** member list, set, remove. */
export function addMemberCommands(program: Command): void {
  const group = program.command('member').description('who has which role in a namespace');
  group.command('list <namespace>').description('list members').action(list);
  group
    .command('set <namespace> <principal>')
    .addArgument(new Argument('<role>').choices(ROLES))
    .description('give a user or robot, or * for everybody, a role')
    .option(...GLOB)
    .action(set);
  group
    .command('remove <namespace> <principal>')
    .description('take a role away')
    .option(...GLOB)
    .action(remove);
}

async function list(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespace}/members`;
  output.list(await api.list<Member>(path, 'members'), COLUMNS);
}

async function set(
  namespace: string,
  principal: string,
  role: string,
  { repositories }: { repositories: string },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespace}/members/${principal}`;
  const member = await api.send<Member>('PUT', path, { role, repositories });
  output.done(`${principal} is ${role} of ${namespace}/${repositories}`, member);
}

async function remove(
  namespace: string,
  principal: string,
  { repositories }: { repositories: string },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespace}/members/${principal}`;
  await api.send('DELETE', `${path}?${new URLSearchParams({ repositories })}`);
  output.done(`${principal} has no role of its own in ${namespace}/${repositories} any more`);
}
