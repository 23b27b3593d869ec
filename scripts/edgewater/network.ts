import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { apiPath } from './api.ts';
import { messageOf, UsageError } from './errors.ts';
import { addNumbers, addValues } from './options.ts';
import type { Columns, Output } from './output.ts';
import { openSession } from './session.ts';

/** What an address has to be. Each list that is there has to have it. */
interface Rule {
  cidrs?: string[];
  countries?: string[];
  asns?: number[];
}

interface Rules {
  pull?: Rule;
  push?: Rule;
}

interface SetOptions {
  pullCidr?: string[];
  pullCountry?: string[];
  pullAsn?: number[];
  pushCidr?: string[];
  pushCountry?: string[];
  pushAsn?: number[];
  file?: string;
}

interface Row extends Rule {
  for: string;
}

const COLUMNS: Columns<Row> = {
  for: (row) => row.for,
  addresses: (row) => row.cidrs?.join(' ') ?? 'any',
  countries: (row) => row.countries?.join(' ') ?? 'any',
  networks: (row) => row.asns?.map((asn) => `AS${asn}`).join(' ') ?? 'any',
};

/** network show, set, clear. */
export function addNetworkCommands(program: Command): void {
  const group = program.command('network').description('from where a namespace can be used');
  group.command('show <namespace>').description('show the rules').action(show);
  group
    .command('set <namespace>')
    .description('replace the rules; each option can be repeated, or have values between commas')
    .option('--pull-cidr <range>', 'pulls only from here, as 192.0.2.0/24', addValues)
    .option('--pull-country <code>', 'pulls only from here, as CH', addValues)
    .option('--pull-asn <number>', 'pulls only from here, as 64496', addNumbers)
    .option('--push-cidr <range>', 'pushes and deletes only from here', addValues)
    .option('--push-country <code>', 'pushes and deletes only from here', addValues)
    .option('--push-asn <number>', 'pushes and deletes only from here', addNumbers)
    .option('--file <json>', 'the rules as the API has them')
    .action(set);
  group
    .command('clear <namespace>')
    .description('allow everything from everywhere')
    .action((namespace: string, _: unknown, command: Command) => put(namespace, {}, command));
}

async function show(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const rules = await api.get<Rules>(apiPath`/namespaces/${namespace}/network`);
  print(rules, output);
}

async function set(namespace: string, options: SetOptions, command: Command): Promise<void> {
  const { file, ...lists } = options;
  const isGiven = Object.keys(lists).length > 0;
  if (isGiven === (file !== undefined)) {
    throw new UsageError('give rules by options or by --file; "network clear" removes them');
  }
  await put(namespace, file === undefined ? toRules(lists) : await readRules(file), command);
}

async function put(namespace: string, rules: Rules, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const path = apiPath`/namespaces/${namespace}/network`;
  print((await api.send<Rules | null>('PUT', path, rules)) ?? rules, output);
}

function print(rules: Rules, output: Output): void {
  output.table(rules, toRows(rules), COLUMNS);
}

function toRows({ pull, push }: Rules): Row[] {
  return [
    { for: 'pull', ...pull },
    { for: 'push, delete', ...push },
  ];
}

function toRules(options: Omit<SetOptions, 'file'>): Rules {
  const pull = toRule(options.pullCidr, options.pullCountry, options.pullAsn);
  const push = toRule(options.pushCidr, options.pushCountry, options.pushAsn);
  return { ...(pull && { pull }), ...(push && { push }) };
}

function toRule(cidrs?: string[], countries?: string[], asns?: number[]): Rule | null {
  const rule = {
    ...(cidrs && { cidrs }),
    ...(countries && { countries: countries.map((code) => code.toUpperCase()) }),
    ...(asns && { asns }),
  };
  return Object.keys(rule).length === 0 ? null : rule;
}

async function readRules(file: string): Promise<Rules> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Rules;
  } catch (error) {
    throw new UsageError(`--file: ${messageOf(error)}`);
  }
}
