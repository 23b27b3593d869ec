import { type Command, Option } from 'commander';
import { formatCount } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { RefusalError, UsageError } from './errors.ts';
import { parseWholeNumber } from './options.ts';
import type { Output } from './output.ts';
import {
  addRuleOptions,
  type Rule,
  type RuleOptions,
  readSettings,
  type Settings,
} from './retention/rules.ts';
import {
  countLine,
  DECISIONS,
  PREVIEW_COLUMNS,
  type PreviewedTag,
  RULE_COLUMNS,
} from './retention/table.ts';
import { openSession } from './session.ts';

interface Policy {
  isEnabled: boolean;
  everyHours: number;
  rules: Rule[];
  nextRunAt: string | null;
  lastRunAt: string | null;
}

interface SetOptions extends RuleOptions {
  everyHours?: number;
  enable?: true;
  disable?: true;
}

interface Preview {
  tags: PreviewedTag[];
  skipped: string[];
  next?: string;
}

interface Run {
  repositories: number;
  deletedTags: number;
  skipped: string[];
  isDone: boolean;
}

/** retention show, set, remove, preview, run. */
export function addRetentionCommands(program: Command): void {
  const group = program.command('retention').description('tags that go by themselves');
  group.command('show <namespace>').description('show the policy').action(show);
  addRuleOptions(group.command('set <namespace>'))
    .description('set the policy: of the tags that are included, what is not kept is deleted')
    .option('--every-hours <number>', 'from one run to the next', parseWholeNumber)
    .addOption(new Option('--enable', 'let it run').conflicts('disable'))
    .addOption(new Option('--disable', 'keep it, and let it not run'))
    .action(set);
  group.command('remove <namespace>').description('delete nothing any more').action(remove);
  addRuleOptions(group.command('preview <namespace>'))
    .description('show what the policy, or the rules that are given, would do now')
    .addOption(
      new Option('--only <decision>', 'show these tags only').choices(Object.keys(DECISIONS)),
    )
    .action(preview);
  group.command('run <namespace>').description('run the policy now').action(run);
}

const pathOf = (namespace: string) => apiPath`/namespaces/${namespace}/retention`;

async function show(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  print(await api.get<Policy>(pathOf(namespace)), output);
}

async function set(namespace: string, options: SetOptions, command: Command): Promise<void> {
  const { everyHours, enable, disable, ...ruleOptions } = options;
  const given = await readSettings(ruleOptions);
  const { api, output } = await openSession(command);
  const { rules, everyHours: hours, isEnabled } = (await find(api, namespace)) ?? {};
  const settings: Settings = {
    ...(rules && { rules, everyHours: hours, isEnabled }),
    ...given,
    ...(everyHours !== undefined && { everyHours }),
    ...((enable || disable) && { isEnabled: enable === true }),
  };
  if (settings.rules === undefined) {
    throw new UsageError('give rules by --keep-…, --delete-… or --file; --help says more');
  }
  print(await api.send<Policy>('PUT', pathOf(namespace), settings), output);
}

async function find(api: Api, namespace: string): Promise<Settings | null> {
  try {
    return await api.get<Policy>(pathOf(namespace));
  } catch (error) {
    if (error instanceof RefusalError && error.status === 404) {
      return null;
    }
    throw error;
  }
}

function print(policy: Policy, output: Output): void {
  const rules = policy.rules.map((rule, index) => ({ ...rule, place: index + 1 }));
  output.table(policy, rules, RULE_COLUMNS);
  const { isEnabled, everyHours, nextRunAt, lastRunAt } = policy;
  output.note(
    isEnabled
      ? `It runs every ${everyHours} hours, next at ${nextRunAt}; last run: ${lastRunAt ?? 'none'}`
      : 'It is disabled',
  );
}

async function remove(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  await api.send('DELETE', pathOf(namespace));
  output.done(`The retention policy of ${namespace} is removed`);
}

async function preview(
  namespace: string,
  { only, ...options }: RuleOptions & { only?: string },
  command: Command,
): Promise<void> {
  const { rules } = await readSettings(options);
  const { api, output } = await openSession(command);
  const tags: PreviewedTag[] = [];
  const skipped: string[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const path: string = `${pathOf(namespace)}/preview?${new URLSearchParams({ after })}`;
    const page: Preview = await api.send<Preview>(
      'POST',
      path,
      rules === undefined ? {} : { rules },
    );
    tags.push(...page.tags);
    skipped.push(...page.skipped);
    after = page.next;
  }
  const shown = tags.filter(({ decision }) => only === undefined || decision === only);
  output.table(
    { tags: shown, skipped },
    shown,
    PREVIEW_COLUMNS,
    tags.length > 0 ? 'none' : noneOf(namespace),
  );
  output.done(countLine(tags));
  noteSkipped(skipped, output);
}

/** The registry leaves out repositories that no rule which deletes tags is about. */
function noneOf(namespace: string): string {
  return (
    `No rule that deletes tags is about a repository of ${namespace} that has tags; "repositories" ` +
    `is a glob over the name without "${namespace}/"`
  );
}

async function run(namespace: string, _: unknown, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const total: Run = { repositories: 0, deletedTags: 0, skipped: [], isDone: false };
  while (!total.isDone) {
    const part = await api.send<Run>('POST', `${pathOf(namespace)}/run`, {});
    total.repositories += part.repositories;
    total.deletedTags += part.deletedTags;
    total.skipped.push(...part.skipped);
    total.isDone = part.isDone;
  }
  const { repositories, deletedTags } = total;
  const places = formatCount(repositories, 'repository', 'repositories');
  output.done(`Deleted ${formatCount(deletedTags, 'tag')}; looked at ${places}`, total);
  noteSkipped(total.skipped, output);
}

function noteSkipped(skipped: readonly string[], output: Output): void {
  if (skipped.length > 0) {
    output.note(`Too many tags to decide about: ${skipped.join(', ')}`);
  }
}
