import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatBytes } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { RefusalError } from './errors.ts';
import { interruption } from './interruption.ts';
import { openSession } from './session.ts';
import { parseImportSource, parseRepository } from './transfer/names.ts';
import { addTransferOptions, type TransferOptions, toBody } from './transfer/options.ts';
import { failureLines, type Transfer } from './transfer/transfer.ts';
import { openProgress } from './upload/open-progress.ts';

interface ImportOptions extends TransferOptions {
  detach?: true;
  quiet?: true;
}

const INTERVAL = 1000; // milliseconds between two looks at it
const FAILED_LOOKS = 300; // one after the other, before the command ends

/** import. */
export function addImportCommand(program: Command): void {
  const command = program
    .command('import <source>')
    .description('copy images from a registry that is mirrored here; exit code 1 for failures')
    .requiredOption('--to <repository>', 'where to, as acme/app; or acme/app:v1 for one tag')
    .option(
      '--detach',
      'print its id and do not wait; "edgewater transfer show" tells how far it is',
    )
    .option('--quiet', 'no progress')
    .action(run);
  addTransferOptions(command);
}

async function run(source: string, options: ImportOptions, command: Command): Promise<void> {
  const { api, output } = await openSession(command);
  const from = parseImportSource(source);
  const body = toBody(from, parseRepository(options.to), options);
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

/** Waits until it has ended; whoever breaks off leaves it running. */
async function watch(api: Api, started: Transfer, isQuiet: boolean): Promise<Transfer> {
  const progress = openProgress(isQuiet, 'copied');
  const signal = interruption(goesOn(started.id));
  const bar = progress.start(`${started.from} to ${started.to}`, null);
  try {
    let said: string | null = null;
    for (let transfer = started; ; transfer = await look(api, started.id, signal)) {
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

/** A registry that does not answer for a while says nothing of the transfer. */
async function look(api: Api, id: string, signal: AbortSignal): Promise<Transfer> {
  for (let left = FAILED_LOOKS; ; left--) {
    try {
      return await api.get<Transfer>(apiPath`/transfers/${id}`);
    } catch (error) {
      if (!(error instanceof RefusalError) || !mayPass(error)) {
        throw error;
      }
      if (left === 0) {
        throw new RefusalError(`${error.message}; ${goesOn(id)}`, error.status);
      }
    }
    await sleep(INTERVAL, undefined, { signal });
  }
}

function mayPass({ status }: RefusalError): boolean {
  return status === null || status === 429 || status >= 500;
}

function goesOn(id: string): string {
  return (
    `it goes on without you: "edgewater transfer show ${id}" tells how far it is, ` +
    `"edgewater transfer cancel ${id}" ends it`
  );
}
