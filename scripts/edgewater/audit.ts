import { once } from 'node:events';
import type { Command } from 'commander';
import { type Api, apiPath } from './api.ts';
import { parseTime, parseWholeNumber } from './options.ts';
import { type Columns, toJson } from './output.ts';
import { openSession } from './session.ts';

interface Entry {
  id: number;
  at: string;
  event: string;
  principal: string;
  address: string | null;
  namespace: string | null;
  repository: string | null;
  target: string | null;
  before: string | null;
  after: string | null;
  reason: string | null;
}

interface Filter {
  namespace?: string;
  principal?: string;
  repository?: string;
  event?: string;
  since?: string;
}

const MAX_WIDTH = 40; // characters; --json has all of it

const COLUMNS: Columns<Entry> = {
  time: (entry) => entry.at,
  event: (entry) => entry.event,
  principal: (entry) => entry.principal,
  address: (entry) => entry.address,
  on: (entry) => entry.repository ?? entry.namespace,
  target: (entry) => entry.target,
  before: (entry) => shorten(entry.before),
  after: (entry) => shorten(entry.after),
  reason: (entry) => entry.reason,
};

/** audit list, export. */
export function addAuditCommands(program: Command): void {
  const group = program.command('audit').description('what happened: pushes, logins, changes');
  addFilter(group.command('list'))
    .description('list the newest entries of the last day, or since a time')
    .option('--limit <number>', 'how many', parseWholeNumber, 50)
    .action(list);
  addFilter(group.command('export'))
    .description('print all entries, the oldest first, as JSON lines')
    .action(exportLines);
}

function addFilter(command: Command): Command {
  return command
    .option('--namespace <name>', 'of one namespace; without it takes a system administrator')
    .option('--principal <name>', 'of one user, robot or workload')
    .option('--repository <name>', 'of one repository')
    .option('--event <name>', 'of one kind, as tag.set')
    .option('--since <time>', 'as 2026-01-31T12:00:00Z, or 30m, 12h, 7d ago', parseTime);
}

function shorten(text: string | null): string | null {
  return text === null || text.length <= MAX_WIDTH ? text : `${text.slice(0, MAX_WIDTH)}…`;
}

/** The log is read from its old end, so the newest are what is left of it. */
async function list(options: Filter & { limit: number }, command: Command): Promise<void> {
  const { limit, since = parseTime('1d'), ...filter } = options;
  const period = options.since === undefined ? 'of the last day' : `since ${since}`;
  const { api, output } = await openSession(command);
  let newest: Entry[] = [];
  let count = 0;
  for await (const entries of read(api, { since, ...filter })) {
    count += entries.length;
    newest = [...newest, ...entries].slice(-limit);
  }
  output.list(newest, COLUMNS, `no such entries ${period}; --since 7d looks further back`);
  if (count > limit) {
    output.note(`These are the newest ${limit} ${period}; --limit shows more`);
  }
}

async function exportLines(filter: Filter, command: Command): Promise<void> {
  const { api } = await openSession(command);
  for await (const entries of read(api, filter)) {
    const lines = entries.map((entry) => `${toJson(entry)}\n`).join('');
    if (!process.stdout.write(lines)) {
      await once(process.stdout, 'drain');
    }
  }
}

function read(api: Api, { namespace, ...query }: Filter): AsyncGenerator<Entry[]> {
  const path = namespace === undefined ? apiPath`/audit` : apiPath`/namespaces/${namespace}/audit`;
  return api.pages<Entry>(path, 'entries', query);
}
