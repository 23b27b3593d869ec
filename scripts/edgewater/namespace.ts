import { type Command, Option } from 'commander';
import { type Limit, parseBytes, parseLimit, toLimit } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { UsageError } from './errors.ts';
import { parseWholeNumber } from './options.ts';
import type { Columns, Output } from './output.ts';
import { openSession } from './session.ts';
import { noteLevels, USAGE_COLUMNS, type Usage } from './usage.ts';

interface Namespace {
  name: string;
  isPublic: boolean;
  createsOnPush: boolean;
  restoreDays: number;
  role: string | null;
  createdAt: string;
  usage: Usage;
}

interface Settings {
  public?: true;
  private?: true;
  createOnPush?: true;
  explicit?: true;
  restoreDays?: number;
}

interface Quotas {
  quota?: Limit;
  quotaRepositories?: Limit;
  quotaWarning?: number;
}

const COLUMNS: Columns<Namespace> = {
  namespace: (namespace) => namespace.name,
  public: (namespace) => namespace.isPublic,
  'creates on push': (namespace) => namespace.createsOnPush,
  'restore days': (namespace) => namespace.restoreDays,
  'your role': (namespace) => namespace.role,
  created: (namespace) => namespace.createdAt,
};

/** Of one namespace, for which there is more room. */
const DETAILS: Columns<Namespace> = { ...COLUMNS, ...USAGE_COLUMNS };

/** namespace list, create, show, set, delete. */
export function addNamespaceCommands(program: Command): void {
  const group = program.command('namespace').description('first components of repository names');
  group.command('list').description('list those in which you have a role').action(list);
  addSettings(group.command('create <namespace>'))
    .description('add a namespace; private unless the registry is set up otherwise')
    .action(create);
  group.command('show <namespace>').description('show one').action(show);
  addQuotas(addSettings(group.command('set <namespace>')))
    .description('change settings; quotas are for administrators of the system')
    .option(
      '--restore-days <number>',
      'for so long what is deleted from now on can be restored: 0 to 90',
      parseWholeNumber,
    )
    .action(set);
  group
    .command('delete <namespace>')
    .description('remove one that has no repositories, with its members, robots and trust rules')
    .action(remove);
}

function addSettings(command: Command): Command {
  return command
    .addOption(new Option('--public', 'everybody may pull').conflicts('private'))
    .addOption(new Option('--private', 'only members may pull'))
    .addOption(new Option('--create-on-push', 'pushes make repositories').conflicts('explicit'))
    .addOption(new Option('--explicit', 'only "edgewater repo create" makes repositories'));
}

function addQuotas(command: Command): Command {
  return command
    .option('--quota <bytes>', 'how much it may have, as 50GB or 512MiB, or none', parseBytes)
    .option('--quota-repositories <number>', 'how many it may have, or none', parseLimit)
    .option('--quota-warning <percent>', 'of a quota, when to warn', parseWholeNumber);
}

/** What to send of quotas; undefined is left out. */
function toQuota({ quota, quotaRepositories, quotaWarning }: Quotas): object {
  return {
    ...(quota !== undefined && { bytes: toLimit(quota) }),
    ...(quotaRepositories !== undefined && { repositories: toLimit(quotaRepositories) }),
    ...(quotaWarning !== undefined && { warningPercent: quotaWarning }),
  };
}

/** What to send; undefined is left out. */
function toBody(settings: Settings): Partial<Namespace> {
  const { restoreDays } = settings;
  return {
    ...((settings.public || settings.private) && { isPublic: settings.public === true }),
    ...((settings.createOnPush || settings.explicit) && {
      createsOnPush: settings.createOnPush === true,
    }),
    ...(restoreDays !== undefined && { restoreDays }),
  };
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<Namespace>(apiPath`/namespaces`, 'namespaces'), COLUMNS);
}

async function create(name: string, settings: Settings, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const body = { name, ...toBody(settings) };
  const namespace = await api.send<Namespace>('POST', apiPath`/namespaces`, body);
  const kind = namespace.isPublic ? 'public' : 'private';
  output.done(`There is a ${kind} namespace ${name}`, namespace);
}

async function show(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await print(api, name, output);
}

async function set(name: string, options: Settings & Quotas, command: Command): Promise<void> {
  const changes = [
    { path: apiPath`/namespaces/${name}/quota`, body: toQuota(options) },
    { path: apiPath`/namespaces/${name}`, body: toBody(options) },
  ].filter(({ body }) => Object.keys(body).length > 0);
  if (changes.length === 0) {
    throw new UsageError('say what to change: --public, --quota 50GB, …; --help lists all');
  }
  const { api, output } = await openSession(command);
  for (const { path, body } of changes) {
    await api.send('PATCH', path, body);
  }
  await print(api, name, output);
}

async function print(api: Api, name: string, output: Output): Promise<void> {
  const namespace = await api.get<Namespace>(apiPath`/namespaces/${name}`);
  output.item(namespace, DETAILS);
  noteLevels([namespace], output);
}

async function remove(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/namespaces/${name}`);
  output.done(`The namespace ${name} is removed`);
}
