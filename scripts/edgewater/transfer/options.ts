import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { addValues } from '../options.ts';
import type { Named } from './names.ts';

/** What of the source is copied. */
export interface TransferOptions {
  to: string;
  tags?: string[];
  exclude?: string[];
  referrers: boolean;
  all?: true;
}

/** Adds the options that say what is copied. */
export function addTransferOptions(command: Command): Command {
  return command
    .option('--tags <glob>', 'only tags like this, as v*; can be repeated', addValues)
    .option('--exclude <glob>', 'but not tags like this; can be repeated', addValues)
    .option('--no-referrers', 'leave signatures, SBOMs and the like behind')
    .option('--all', 'every repository below the source, to the same name below the target');
}

/** What the command line asks of the API. @throws UsageError */
export function toBody(from: Named, to: Named, options: TransferOptions) {
  const { tags = [], exclude = [], referrers, all = false } = options;
  const tag = from.tag ?? to.tag;
  if (tag !== null && (all || tags.length > 0)) {
    throw new UsageError('name one tag, or patterns with --tags, or --all');
  }
  const names = { from: from.repository, to: to.repository };
  return { ...names, all, tag, toTag: to.tag, tags, exclude, referrers };
}
