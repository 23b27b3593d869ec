import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Api, apiPath } from './api.ts';
import { UsageError } from './errors.ts';
import { interruption } from './interruption.ts';
import { addValues } from './options.ts';
import { openSession } from './session.ts';
import { parseImportSource, parseImportTarget } from './transfer/names.ts';
import { failureLines, type Transfer } from './transfer/transfer.ts';
import { openProgress } from './upload/open-progress.ts';
import { formatBytes } from './upload/progress.ts';

interface ImportOptions {
  to: string;
  tags?: string[];
  exclude?: string[];
  referrers: boolean;
  all?: true;
  detach?: true;
  quiet?: true;
}

const INTERVAL = 1000; // milliseconds between two looks at it

/** import. */
export function addImportCommand(program: Command): void {
  program
    .command('import <source>')
    .description('copy images from a registry that is mirrored here; exit code 1 for failures')
    .requiredOption('--to <repository>', 'where to, as acme/app; or acme/app:v1 for one tag')
    .option('--tags <glob>', 'only tags like this, as v*; can be repeated', addValues)
    .option('--exclude <glob>', 'but not tags like this; can be repeated', addValues)
    .option('--no-referrers', 'leave signatures, SBOMs and the like behind')
    .option('--all', 'every repository below the source, to the same name below the target')
    .option(
      '--detach',
      'print its id and do not wait; "edgewater transfer show" tells how far it is',
    )
    .option('--quiet', 'no progress')
    .action(run);
}

async function run(source: string, options: ImportOptions, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const body = toBody(source, options);
  const started = await api.send<Transfer>('POST', apiPath`/transfers`, body);
  if (options.detach) {
    output.done(started.id, started);
    return;
  }
  const ended = await watch(api, started, options.quiet ?? false);
  for (const line of failureLines(ended)) {
    output.note(line);
  }
  const { copied, present, failed, bytes, state } = ended;
  output.done(
    `${copied} tags copied (${formatBytes(bytes)}), ${present} were there, ${failed} failed` +
      (state === 'canceled' ? ': canceled' : ''),
    ended,
  );
  if (state !== 'done') {
    process.exitCode = 1;
  }
}

/** What the command line asks of the API. @throws UsageError */
function toBody(source: string, options: ImportOptions): object {
  const { to, tags = [], exclude = [], referrers, all = false } = options;
  const from = parseImportSource(source, all);
  const target = parseImportTarget(to);
  const tag = from.tag ?? target.tag;
  if (tag !== null && (all || tags.length > 0)) {
    throw new UsageError('name one tag, or patterns with --tags, or --all');
  }
  return {
    from: from.repository,
    to: target.repository,
    all,
    tag,
    toTag: target.tag,
    tags,
    exclude,
    referrers,
  };
}

/** Waits until it has ended; whoever breaks off leaves it running. */
async function watch(api: Api, started: Transfer, isQuiet: boolean): Promise<Transfer> {
  const progress = openProgress(isQuiet, 'copied');
  const signal = interruption(
    `it goes on without you: "edgewater transfer show ${started.id}" tells how far it is, ` +
      `"edgewater transfer cancel ${started.id}" ends it`,
  );
  const bar = progress.start(`${started.from} to ${started.to}`, null);
  try {
    let said: string | null = null;
    for (let transfer = started; ; transfer = await look(api, started.id)) {
      bar.update(transfer.bytes);
      if (transfer.pausedBecause !== said && transfer.pausedBecause !== null) {
        bar.hinder(transfer.pausedBecause);
      }
      said = transfer.pausedBecause;
      if (transfer.state !== 'running') {
        bar.end(null);
        return transfer;
      }
      await sleep(INTERVAL, undefined, { signal });
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    progress.stop();
  }
}

function look(api: Api, id: string): Promise<Transfer> {
  return api.get<Transfer>(apiPath`/transfers/${id}`);
}
