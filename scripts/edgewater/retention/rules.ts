import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { messageOf, UsageError } from '../errors.ts';
import { addValues, parsePositive } from '../options.ts';

/** A rule as the API has it. */
export interface Rule {
  action: string;
  name?: string;
  repositories?: string;
  include?: string[];
  exclude?: string[];
  lastPushed?: number;
  pushedWithinDays?: number;
  pulledWithinDays?: number;
  pushedBeforeDays?: number;
  notPulledForDays?: number;
  olderThanDays?: number | null;
}

/** What can be set; the registry fills in the rest. */
export interface Settings {
  isEnabled?: boolean;
  everyHours?: number;
  rules?: Rule[];
}

/** How rules are given: by a file, or one rule of each kind by the other options. */
export interface RuleOptions {
  file?: string;
  repositories?: string;
  include?: string[];
  exclude?: string[];
  keepLast?: number;
  keepPushedWithin?: number;
  keepPulledWithin?: number;
  deletePushedBefore?: number;
  deleteNotPulledFor?: number;
  deleteUntaggedAfter?: number;
}

/** Adds the options that rules are given by. */
export function addRuleOptions(command: Command): Command {
  return command
    .option('--keep-last <number>', 'keep so many tags, the last pushed', parsePositive)
    .option('--keep-pushed-within <days>', 'keep what was pushed within', parsePositive)
    .option('--keep-pulled-within <days>', 'keep what was pulled within', parsePositive)
    .option('--delete-pushed-before <days>', 'delete only what is as old', parsePositive)
    .option('--delete-not-pulled-for <days>', 'delete only what is unused so long', parsePositive)
    .option('--include <glob>', 'only tags like this, as v*; can be repeated', addValues)
    .option('--exclude <glob>', 'not tags like this, as latest; can be repeated', addValues)
    .option('--repositories <glob>', 'only these, without the namespace; else all')
    .option('--delete-untagged-after <days>', 'how long untagged manifests stay', parsePositive)
    .addOption(
      new Option('--file <json>', 'rules or a policy as the API has them; - is standard input'),
    );
}

/**
 * The policy that the options stand for; without rules when they name none.
 *
 * @throws UsageError when they cannot be meant
 */
export async function readSettings({ file, ...options }: RuleOptions): Promise<Settings> {
  const rules = toRules(options);
  if (file === undefined) {
    return rules.length === 0 ? {} : { rules };
  }
  if (Object.values(options).some((value) => value !== undefined)) {
    throw new UsageError('give rules by --file or by the other options');
  }
  return readFileSettings(file);
}

/** One selection of tags, of which some are kept and the rest goes. */
function toRules(options: Omit<RuleOptions, 'file'>): Rule[] {
  const { repositories, include, exclude, deleteUntaggedAfter: olderThanDays } = options;
  const repository = repositories === undefined ? {} : { repositories };
  const selection = { ...repository, ...(include && { include }), ...(exclude && { exclude }) };
  const keep = given({
    lastPushed: options.keepLast,
    pushedWithinDays: options.keepPushedWithin,
    pulledWithinDays: options.keepPulledWithin,
  });
  const remove = given({
    pushedBeforeDays: options.deletePushedBefore,
    notPulledForDays: options.deleteNotPulledFor,
  });
  const isAboutTags = keep !== null || remove !== null;
  if (!isAboutTags && (include !== undefined || exclude !== undefined)) {
    throw new UsageError('say what to do with these tags: --keep-… or --delete-…');
  }
  if (!isAboutTags && olderThanDays === undefined && repositories !== undefined) {
    throw new UsageError('say what to do in these repositories: --keep-… or --delete-…');
  }
  return [
    ...(keep === null ? [] : [{ action: 'keep', ...selection, ...keep }]),
    ...(isAboutTags ? [{ action: 'delete', ...selection, ...remove }] : []),
    ...(olderThanDays === undefined ? [] : [{ action: 'untagged', ...repository, olderThanDays }]),
  ];
}

/** The values that are there, or null when none is. */
function given(values: Record<string, number | undefined>): Record<string, number> | null {
  const entries = Object.entries(values).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

async function readFileSettings(file: string): Promise<Settings> {
  let value: unknown;
  try {
    value = JSON.parse(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--file: ${messageOf(error)}`);
  }
  if (Array.isArray(value)) {
    return { rules: value as Rule[] };
  }
  if (typeof value !== 'object' || value === null) {
    throw new UsageError('--file: it has to be a list of rules, or a policy with "rules"');
  }
  // What "retention show --json" prints can be set again: these are not for people to set.
  const { nextRunAt: _, lastRunAt: __, ...settings } = value as Record<string, unknown>;
  return settings as Settings;
}
