import type { Command } from 'commander';
import { apiPath } from './api.ts';
import { UsageError } from './errors.ts';
import { addValues } from './options.ts';
import type { Columns } from './output.ts';
import { openSession } from './session.ts';

interface TagRule {
  repository: string | null;
  immutable: string[];
  except: string[];
}

interface Where {
  repository?: string;
}

const COLUMNS: Columns<TagRule> = {
  repository: ({ repository }) => repository ?? 'all others',
  immutable: ({ immutable }) => immutable.join(' ') || 'none',
  'but not': ({ except }) => except.join(' '),
};

const REPOSITORY = ['--repository <name>', 'of one repository, whose rule then counts'] as const;

const pathOf = (namespace: string) => apiPath`/namespaces/${namespace}/tag-rules`;

/** tag rules show, set, remove. */
export function addTagRuleCommands(tag: Command): void {
  const group = tag.command('rules').description('tags that neither move nor go');
  group.command('show <namespace>').description('show which tags are immutable').action(show);
  group
    .command('set <namespace>')
    .description('make tags immutable; each option can be repeated')
    .option(...REPOSITORY)
    .option('--immutable <glob>', 'tags like this, as v*; left out: none', addValues)
    .option('--except <glob>', 'but not tags like this, as latest', addValues)
    .action(set);
  group
    .command('remove <namespace>')
    .description('remove the rule of the namespace, or of one repository')
    .option(...REPOSITORY)
    .action(remove);
}

async function show(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  output.list(await api.list<TagRule>(pathOf(namespace), 'rules'), COLUMNS);
}

async function set(
  namespace: string,
  { immutable = [], ...rest }: Where & { immutable?: string[]; except?: string[] },
  command: Command,
): Promise<void> {
  if (immutable.length === 0 && rest.repository === undefined) {
    throw new UsageError(
      'name tags by --immutable, as v*; "edgewater tag rules remove" takes the rule away',
    );
  }
  const { api, output } = await openSession(command);
  const rule = await api.send<TagRule>('PUT', pathOf(namespace), { immutable, ...rest });
  output.item(rule, COLUMNS);
}

async function remove(namespace: string, { repository }: Where, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const query = repository === undefined ? '' : `?${new URLSearchParams({ repository })}`;
  await api.send('DELETE', `${pathOf(namespace)}${query}`);
  output.done(`The tag rule of ${repository ?? namespace} is removed`);
}
