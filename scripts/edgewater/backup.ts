import type { Command } from 'commander';
import { formatCount } from './amount.ts';
import { type Downloads, downloadBlobs } from './backup/download-blobs.ts';
import type { StoredBlob } from './backup/format.ts';
import type { BackupStore } from './backup/store/backup-store.ts';
import { openStore } from './backup/store/open-store.ts';
import { writeMetadata } from './backup/write-metadata.ts';
import { type BucketOptions, endpointOption } from './bucket/bucket-address.ts';
import { RefusalError, UsageError } from './errors.ts';
import { exitOnInterruption } from './interruption.ts';
import { parsePositive } from './options.ts';
import { openSession } from './session.ts';
import { openProgress } from './upload/open-progress.ts';

interface BackupOptions extends BucketOptions {
  blobs?: true;
  verify?: true;
  empty?: true;
  concurrency: number;
  quiet?: true;
}

/** backup. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup <place>')
    .description(
      'save what the registry knows, and with --blobs its content too, in a folder or in a bucket, ' +
        's3://bucket/prefix',
    )
    .addOption(endpointOption())
    .option('--blobs', 'the bytes too: those that are not there yet')
    .option('--verify', 'with --blobs: read those that are there, and fetch what is damaged again')
    .option(
      '--empty',
      'save a registry without repositories too, beside the backups that are there',
    )
    .option('--concurrency <number>', 'blobs at a time', parsePositive, 4)
    .option('--quiet', 'no progress')
    .action(backup);
}

async function backup(place: string, options: BackupOptions, command: Command): Promise<void> {
  if (options.verify && !options.blobs) {
    throw new UsageError('--verify is about the bytes: say --blobs too');
  }
  const { api, output } = await openSession(command);
  const progress = openProgress(options.quiet ?? false, 'fetched');
  const store = openStore(place, {
    ...options,
    onRetry: (why) => progress.say(`${why}; trying again`),
  });
  exitOnInterruption(`broken off; the same command goes on with what ${store.name} has`, () =>
    progress.stop(),
  );
  try {
    const { blobs, counts, lost, ...written } = await writeMetadata(
      api,
      store,
      options.empty ?? false,
    );
    const file = store.nameOf(written.file);
    const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
    output.note(
      `${formatCount(rows, 'row')}, ${formatCount(counts.manifests ?? 0, 'manifest')} and ` +
        `${formatCount(counts.tags ?? 0, 'tag')} are in ${file}`,
    );
    const downloads = options.blobs
      ? await downloadBlobs(api, store, blobs, {
          ...options,
          verify: options.verify ?? false,
          progress,
        })
      : null;
    output.done(await sayOf(downloads, store, blobs), {
      file,
      rows: counts,
      lost,
      blobs: downloads,
    });
    const missing = [...lost, ...(downloads?.failed ?? [])];
    if (missing.length > 0) {
      throw new RefusalError(
        `${missing.length} could not be saved: ${missing.slice(0, 10).join(', ')}; repeat the command ` +
          'for what did not arrive, and push again what the registry has lost',
      );
    }
  } finally {
    progress.stop();
    store.close();
  }
}

async function sayOf(
  downloads: Downloads | null,
  store: BackupStore,
  blobs: readonly StoredBlob[],
): Promise<string> {
  if (downloads !== null) {
    const { fetched, present, deleted } = downloads;
    const gone = deleted === 0 ? '' : `, ${deleted} deleted meanwhile`;
    return `The backup is there: ${formatCount(fetched, 'blob')} fetched, ${present} there before${gone}`;
  }
  let lacking = 0;
  for (const blob of blobs) {
    lacking += (await store.hasBlob(blob)) ? 0 : 1;
  }
  return lacking === 0
    ? `The backup is there; ${store.name} has the bytes of all its blobs`
    : `The backup is there, without the bytes of ${formatCount(lacking, 'blob')}: --blobs saves them too`;
}
