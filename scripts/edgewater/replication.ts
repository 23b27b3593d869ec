import type { Command } from 'commander';
import { apiPath } from './api.ts';
import { parseWholeNumber } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';
import { parseRepository } from './transfer/names.ts';
import { addTransferOptions, type TransferOptions, toBody } from './transfer/options.ts';
import type { Transfer } from './transfer/transfer.ts';

/** A copy that is made again and again. */
interface Replication {
  name: string;
  direction: 'pull' | 'push';
  from: string;
  to: string;
  all: boolean;
  tag: string | null;
  tags: string[];
  exclude: string[];
  everyMinutes: number;
  nextRunAt: string | null;
  lastTransfer: string | null;
  lastState: string | null;
}

interface SetOptions extends TransferOptions {
  from: string;
  every: number;
  disabled?: true;
}

const COLUMNS: Columns<Replication> = {
  replication: ({ name }) => name,
  direction: ({ direction }) => direction,
  from: ({ from, all }) => (all ? `${from}/**` : from),
  to: ({ to, all }) => (all ? `${to}/**` : to),
  tags: ({ tag, tags }) => tag ?? (tags.join(' ') || 'all'),
  'but not': ({ exclude }) => exclude.join(' '),
  minutes: ({ everyMinutes }) => everyMinutes,
  'next run': ({ nextRunAt }) => nextRunAt ?? 'disabled',
  'last transfer': ({ lastTransfer }) => lastTransfer,
  state: ({ lastState }) => lastState,
};

/** replication list, set, run, remove. */
export function addReplicationCommands(program: Command): void {
  const group = program
    .command('replication')
    .description('copies from or to other registries, again and again');
  group.command('list').description('list them, with how the last run ended').action(list);
  addTransferOptions(
    group
      .command('set <name>')
      .description('add or change one; the side that is a mirror is the other registry')
      .requiredOption('--from <repository>', 'as old.example.com/team/app, or acme/app')
      .requiredOption('--to <repository>', 'as acme/app, or old.example.com/team/app')
      .option('--every <minutes>', 'how often: 15 or more', parseWholeNumber, 60)
      .option('--disabled', 'it does not run by itself'),
  ).action(set);
  group
    .command('run <name>')
    .description('run one now; "edgewater transfer show" tells how far it is')
    .action(run);
  group.command('remove <name>').description('remove one; what was copied stays').action(remove);
}

async function list(_: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const { replications } = await api.get<{ replications: Replication[] }>(apiPath`/replications`);
  output.list(replications, COLUMNS);
}

async function set(name: string, options: SetOptions, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const body = {
    ...toBody(parseRepository(options.from), parseRepository(options.to), options),
    everyMinutes: options.every,
    isEnabled: options.disabled !== true,
  };
  const path = apiPath`/replications/${name}`;
  output.item(await api.send<Replication>('PUT', path, body), COLUMNS);
}

async function run(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const started = await api.send<Transfer>('POST', apiPath`/replications/${name}/run`, {});
  output.done(started.id, started);
}

async function remove(name: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', apiPath`/replications/${name}`);
  output.done(`The replication ${name} is removed`);
}
