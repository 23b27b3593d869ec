import { type Command, Option } from 'commander';
import { apiPath } from './api.ts';
import { ROLES } from './member.ts';
import { addGrant, type Days, formatGrants, type Grant, parseDays, toExpiry } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface Robot {
  name: string; // "acme+ci"
  description: string;
  role: string | null;
  grants: Grant[] | null;
  isDisabled: boolean;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

interface NewRobot {
  description?: string;
  role?: string;
  allow?: Grant[];
  expiresInDays?: Days;
}

const COLUMNS: Columns<Robot> = {
  robot: (robot) => robot.name,
  role: (robot) => robot.role,
  'limited to': (robot) => formatGrants(robot.grants),
  disabled: (robot) => robot.isDisabled,
  expires: (robot) => robot.expiresAt ?? 'never',
  'last used': (robot) => robot.lastUsedAt,
  description: (robot) => robot.description,
};

const DAYS = ['--expires-in-days <days>', '90 if not given; or "never"', parseDays] as const;

/** robot list, create, secret, disable, enable, delete. */
export function addRobotCommands(program: Command): void {
  const group = program.command('robot').description('accounts of programs, owned by a namespace');
  group.command('list <namespace>').description('list robots').action(list);
  group
    .command('create <namespace> <robot>')
    .description('add a robot and print its secret, which is shown this once')
    .addOption(new Option('--role <role>', 'in the whole namespace').choices(ROLES))
    .option('--allow <actions:glob>', 'only this, as pull,push:acme/**; repeatable', addGrant)
    .option('--description <text>', 'what it is for')
    .option(...DAYS)
    .action(create);
  group
    .command('secret <namespace> <robot>')
    .description('print a new secret; the old one ends')
    .option(...DAYS)
    .action(replaceSecret);
  group
    .command('disable <namespace> <robot>')
    .description('refuse all logins of a robot')
    .action((...[namespace, name, , command]: Named) =>
      setDisabled(namespace, name, true, command),
    );
  group
    .command('enable <namespace> <robot>')
    .description('allow logins again')
    .action((...[namespace, name, , command]: Named) =>
      setDisabled(namespace, name, false, command),
    );
  group
    .command('delete <namespace> <robot>')
    .description('remove a robot with its roles')
    .action(remove);
}

type Named = [namespace: string, name: string, options: unknown, command: Command];

async function list(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespace}/robots`;
  output.list(await api.list<Robot>(path, 'robots'), COLUMNS);
}

async function create(
  namespace: string,
  name: string,
  { allow, expiresInDays, ...rest }: NewRobot,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const body = {
    name: ownName(namespace, name),
    grants: allow,
    ...rest,
    ...toExpiry(expiresInDays),
  };
  const path = apiPath`/namespaces/${namespace}/robots`;
  const robot = await api.send<Robot & { secret: string }>('POST', path, body);
  output.secret(robot.secret, robot, describe(robot));
}

async function replaceSecret(
  namespace: string,
  name: string,
  { expiresInDays }: { expiresInDays?: Days },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const path = `${robotPath(namespace, name)}/secret`;
  const robot = await api.send<Robot & { secret: string }>('POST', path, toExpiry(expiresInDays));
  output.secret(robot.secret, robot, describe(robot));
}

async function setDisabled(
  namespace: string,
  name: string,
  isDisabled: boolean,
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  const robot = await api.send<Robot>('PATCH', robotPath(namespace, name), { isDisabled });
  const message = isDisabled ? 'cannot log in any more' : 'can log in';
  output.done(`${robot.name} ${message}`, robot);
}

async function remove(...[namespace, name, , command]: Named): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', robotPath(namespace, name));
  output.done(`${namespace}+${ownName(namespace, name)} is removed`);
}

function describe({ name, role, expiresAt }: Robot): string {
  return `The user is ${name}, ${role ?? 'without a role'}, its secret ends ${expiresAt ?? 'never'}`;
}

function robotPath(namespace: string, name: string): string {
  return apiPath`/namespaces/${namespace}/robots/${ownName(namespace, name)}`;
}

/** "ci" of "acme+ci". */
function ownName(namespace: string, name: string): string {
  return name.startsWith(`${namespace}+`) ? name.slice(namespace.length + 1) : name;
}
