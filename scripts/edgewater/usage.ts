import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { RefusalError } from './errors.ts';
import type { Columns, Output } from './output.ts';
import { openSession } from './session.ts';

/** What there is of something, and may be: null is as much as they like. */
interface Measure {
  used: number;
  quota: number | null;
  percent: number | null;
}

/** What a namespace has, and may have. */
export interface Usage {
  level: string;
  warningPercent: number;
  bytes: Measure;
  repositories: Measure;
}

interface Namespace {
  name: string;
  usage: Usage;
}

interface Repository {
  name: string;
  bytes: number;
}

interface Totals {
  bytes: number;
  repositories: number;
}

interface Recount {
  namespace: string;
  kept: Totals;
  counted: Totals;
}

/** The columns that a namespace's usage has in every table. */
export const USAGE_COLUMNS: Columns<{ usage: Usage }> = {
  used: ({ usage }) => formatBytes(usage.bytes.used),
  quota: ({ usage: { bytes } }) => (bytes.quota === null ? 'none' : formatBytes(bytes.quota)),
  percent: ({ usage }) => usage.bytes.percent,
  'warning from %': ({ usage }) => usage.warningPercent,
  repositories: ({ usage: { repositories } }) =>
    repositories.quota === null
      ? repositories.used
      : `${repositories.used} of ${repositories.quota}`,
  level: ({ usage }) => usage.level,
};

/** Warns of namespaces that are full, or near it. */
export function noteLevels(namespaces: readonly Namespace[], output: Output): void {
  for (const { name, usage } of namespaces.filter(({ usage }) => usage.level !== 'ok')) {
    const percent = Math.max(usage.bytes.percent ?? 0, usage.repositories.percent ?? 0);
    output.note(
      usage.level === 'full'
        ? `${name} is full: delete and purge what is not needed, or raise its quota`
        : `${name} has ${percent}% of a quota; the warning is set to ${usage.warningPercent}%`,
    );
  }
}

/** usage, of all namespaces or of the repositories of one. */
export function addUsageCommand(program: Command): void {
  program
    .command('usage [namespace]')
    .description('what your namespaces have and may have, or how large the repositories of one are')
    .option('--recount', 'count the rows again, and compare with the numbers that are kept')
    .action(usage);
}

async function usage(
  namespace: string | undefined,
  { recount }: { recount?: true },
  command: Command,
): Promise<void> {
  const { api, output } = await openSession(command);
  if (recount) {
    await compare(api, output, namespace === undefined ? await namesOf(api) : [namespace]);
  } else if (namespace === undefined) {
    const namespaces = await api.list<Namespace>(apiPath`/namespaces`, 'namespaces');
    output.list(namespaces, { namespace: ({ name }) => name, ...USAGE_COLUMNS });
    noteLevels(namespaces, output);
  } else {
    const path = apiPath`/namespaces/${namespace}/usage`;
    output.list(await api.list<Repository>(path, 'repositories'), {
      repository: ({ name }) => name,
      used: ({ bytes }) => formatBytes(bytes),
    });
  }
}

async function namesOf(api: Api): Promise<string[]> {
  const namespaces = await api.list<Namespace>(apiPath`/namespaces`, 'namespaces');
  return namespaces.map(({ name }) => name);
}

/** @throws RefusalError when numbers differ */
async function compare(api: Api, output: Output, namespaces: readonly string[]): Promise<void> {
  const rows: Recount[] = [];
  for (const namespace of namespaces) {
    const path = apiPath`/namespaces/${namespace}/recount`;
    rows.push({ namespace, ...(await api.get<Omit<Recount, 'namespace'>>(path)) });
  }
  output.list(rows, {
    namespace: ({ namespace }) => namespace,
    'bytes kept': ({ kept }) => kept.bytes,
    'bytes counted': ({ counted }) => counted.bytes,
    'repositories kept': ({ kept }) => kept.repositories,
    'repositories counted': ({ counted }) => counted.repositories,
  });
  const wrong = rows.filter(
    ({ kept, counted }) =>
      kept.bytes !== counted.bytes || kept.repositories !== counted.repositories,
  );
  if (wrong.length > 0) {
    const names = wrong.map(({ namespace }) => namespace).join(', ');
    throw new RefusalError(`the numbers that are kept are wrong: ${names}; please report it`);
  }
}
