import type { Command } from 'commander';
import { apiPath } from './api.ts';
import { newPassword } from './ask.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface User {
  name: string;
  isAdmin: boolean;
  isDisabled: boolean;
  createdAt: string;
}

const COLUMNS: Columns<User> = {
  user: (user) => user.name,
  'system administrator': (user) => user.isAdmin,
  disabled: (user) => user.isDisabled,
  created: (user) => user.createdAt,
};

const ON_STDIN = ['--password-stdin', 'the password is on standard input'] as const;

/** user list, create, disable, enable, delete, set-password. */
export function addUserCommands(program: Command): void {
  const group = program.command('user').description('people who log in with a password');
  group.command('list').description('list users').action(list);
  group
    .command('create <user>')
    .description('add a user; asks for the password')
    .option('--admin', 'makes a system administrator')
    .option(...ON_STDIN)
    .action(create);
  group
    .command('disable <user>')
    .description('refuse all logins of a user')
    .action((name: string, _: unknown, command: Command) => setDisabled(name, true, command));
  group
    .command('enable <user>')
    .description('allow logins again')
    .action((name: string, _: unknown, command: Command) => setDisabled(name, false, command));
  group.command('delete <user>').description('remove a user with roles and tokens').action(remove);
  group
    .command('set-password <user>')
    .description('give a user another password; asks for it')
    .option(...ON_STDIN)
    .action(setPassword);
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<User>(apiPath`/users`, 'users'), COLUMNS);
}

async function create(
  name: string,
  { admin, passwordStdin }: { admin?: true; passwordStdin?: true },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const password = await newPassword(passwordStdin);
  const body = { name, password, isAdmin: admin };
  const user = await api.send<User>('POST', apiPath`/users`, body);
  output.done(`There is a user ${name}`, user);
}

async function setDisabled(name: string, isDisabled: boolean, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const user = await api.send<User>('PATCH', apiPath`/users/${name}`, { isDisabled });
  output.done(isDisabled ? `${name} cannot log in any more` : `${name} can log in`, user);
}

async function remove(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/users/${name}`);
  output.done(`${name} is removed`);
}

async function setPassword(
  name: string,
  { passwordStdin }: { passwordStdin?: true },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const password = await newPassword(passwordStdin);
  const user = await api.send<User>('PATCH', apiPath`/users/${name}`, { password });
  output.done(`${name} has a new password`, user);
}
