import type { Command } from 'commander';
import { type Downloads, downloadBlobs } from './backup/download-blobs.ts';
import { writeMetadata } from './backup/write-metadata.ts';
import { RefusalError, UsageError } from './errors.ts';
import { parseConcurrency } from './options.ts';
import { openSession } from './session.ts';
import { openProgress } from './upload/open-progress.ts';

interface BackupOptions {
  blobs?: true;
  verify?: true;
  empty?: true;
  concurrency: number;
  quiet?: true;
}

/** backup. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup <folder>')
    .description('save what the registry knows into a folder, and with --blobs its content too')
    .option('--blobs', 'the bytes too: those that the folder does not have yet')
    .option('--verify', 'with --blobs: read those of the folder, and fetch what is damaged again')
    .option('--empty', 'save a registry without repositories too, beside the backups of the folder')
    .option('--concurrency <number>', 'blobs at a time', parseConcurrency, 4)
    .option('--quiet', 'no progress')
    .action(backup);
}

async function backup(folder: string, options: BackupOptions, command: Command): Promise<void> {
  if (options.verify && !options.blobs) {
    throw new UsageError('--verify is about the bytes: say --blobs too');
  }
  const { api, output } = await openSession(command);
  const progress = openProgress(options.quiet ?? false, 'fetched');
  try {
    const { file, blobs, counts, lost } = await writeMetadata(api, folder, options.empty ?? false);
    const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
    output.note(
      `${rows} rows, ${counts.manifests} manifests and ${counts.tags} tags are in ${file}`,
    );
    const downloads = options.blobs
      ? await downloadBlobs(api, folder, blobs, {
          ...options,
          verify: options.verify ?? false,
          progress,
        })
      : null;
    output.done(sayOf(downloads, blobs.length), { file, rows: counts, lost, blobs: downloads });
    const missing = [...lost, ...(downloads?.failed ?? [])];
    if (missing.length > 0) {
      throw new RefusalError(
        `${missing.length} could not be saved: ${missing.slice(0, 10).join(', ')}; repeat the command ` +
          'for what did not arrive, and push again what the registry has lost',
      );
    }
  } finally {
    progress.stop();
  }
}

function sayOf(downloads: Downloads | null, count: number): string {
  if (downloads === null) {
    return `The backup is there, without the bytes of ${count} blobs: --blobs saves them too`;
  }
  const { fetched, present, deleted } = downloads;
  const gone = deleted === 0 ? '' : `, ${deleted} were deleted meanwhile`;
  return `The backup is there: ${fetched} blobs fetched, ${present} were in the folder${gone}`;
}
