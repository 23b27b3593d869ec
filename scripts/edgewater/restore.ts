import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { formatCount } from './amount.ts';
import { type Api, apiPath } from './api.ts';
import { type ChosenBackup, chooseBackup } from './backup/choose-backup.ts';
import { findLastRestore, type LastRestore } from './backup/last-restore.ts';
import { missingBlobs } from './backup/needed-blobs.ts';
import { persist } from './backup/persist.ts';
import { type UnpackedMetadata, unpackMetadata } from './backup/read-metadata.ts';
import { sendRows } from './backup/send-rows.ts';
import type { BackupStore } from './backup/store/backup-store.ts';
import { FolderStore } from './backup/store/folder-store.ts';
import { type NamedBackup, openBackup } from './backup/store/open-store.ts';
import { type UploadOptions, uploadBlobs } from './backup/upload-blobs.ts';
import { type Verification, verifyTags } from './backup/verify-tags.ts';
import { type BucketOptions, endpointOption } from './bucket/bucket-address.ts';
import { downloadCopy } from './copies.ts';
import { RefusalError, UsageError } from './errors.ts';
import { exitOnInterruption } from './interruption.ts';
import { parsePositive } from './options.ts';
import type { Output } from './output.ts';
import { openSession, type Session } from './session.ts';
import { addChunkOptions, type ChunkOptions, chunkSizeOf } from './upload/chunk-size.ts';
import { openProgress } from './upload/open-progress.ts';
import type { Progress } from './upload/progress.ts';

interface RestoreOptions extends ChunkOptions, BucketOptions {
  copy?: string;
  incomplete?: true;
  giveUp?: true;
  concurrency: number;
  quiet?: true;
}

/** What was restored: of each table how many rows, and how many of those of the backup were not. */
interface Restored {
  tables: Record<string, { restored: number; dropped: number }>;
  missingBlobs: string[]; // digests that neither the bucket nor the store has
}

/** What a restore begins with. */
interface Begun {
  tables: string[]; // in their order
  spareRepository: string;
  isDone: boolean;
}

interface Step {
  isDone: boolean;
}

/** Names that a message lists. */
const SHOWN = 10;

/** restore. */
export function addRestoreCommand(program: Command): void {
  const command = program
    .command('restore [backup]')
    .description(
      'put a backup into an empty registry: a folder, s3://bucket/prefix, or a metadata file of one',
    )
    .addOption(endpointOption())
    .option('--copy <name>', 'a nightly copy: where the database was lost and the bucket was not')
    .option('--incomplete', 'go on although content is missing, without what names it')
    .option('--give-up', 'take back what a restore has brought that has not ended')
    .option('--concurrency <number>', 'blobs at a time', parsePositive, 4)
    .option('--quiet', 'no progress')
    .action(restore);
  addChunkOptions(command);
}

async function restore(
  backup: string | undefined,
  options: RestoreOptions,
  command: Command,
): Promise<void> {
  const kinds = [backup, options.copy, options.giveUp].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) {
    throw new UsageError('name a backup, or with --copy a nightly copy; or say --give-up alone');
  }
  const session = await openSession(command);
  const { api, output } = session;
  if (options.giveUp) {
    await takeSteps(api, apiPath`/restore/give-up`);
    output.done('What the restore has brought is gone; another one can begin', { givenUp: true });
    return;
  }
  const progress = openProgress(options.quiet ?? false);
  const scratch = await mkdtemp(join(tmpdir(), 'edgewater-restore-'));
  exitOnInterruption(
    'broken off; the same command goes on, "edgewater restore --give-up" takes back what has come',
    () => {
      progress.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  );
  try {
    const named = await (options.copy === undefined
      ? openBackup(backup ?? '', {
          ...options,
          onRetry: (why) => progress.say(`${why}; trying again`),
        })
      : fetchCopy(api, options.copy, scratch));
    try {
      await restoreFrom(named, { session, options, progress, scratch });
    } finally {
      named.store.close();
    }
  } finally {
    progress.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Work {
  session: Session;
  options: RestoreOptions;
  progress: Progress;
  scratch: string;
}

async function restoreFrom(
  { store, file: named }: NamedBackup,
  { session: { api, output }, options, progress, scratch }: Work,
): Promise<void> {
  const last = await findLastRestore(api);
  const { file, metadata } = await readBackup(store, named, last, scratch);
  output.note(`Restoring ${options.copy ?? store.nameOf(file)}`);
  const isKnownDone = last?.phase === 'done' && last.backup === metadata.header.id;
  const missing = isKnownDone
    ? new Set<string>() // what is missing since then is nothing to do with the restore
    : await missingBlobs(api, store, metadata);
  requireContent(missing, store.name, options.incomplete ?? false);
  const restored = await restoreAll(api, metadata, store, missing, {
    chunkSize: chunkSizeOf(options),
    concurrency: options.concurrency,
    progress,
    signal: new AbortController().signal,
  });
  if (restored === null) {
    output.done('This backup was restored before, to its end: nothing is left to do', {
      isDone: true,
    });
    return;
  }
  const verification = await verifyTags(api, metadata);
  output.done(sayOf(restored, verification), { ...restored, verification });
  report(restored, verification, output);
}

async function fetchCopy(api: Api, copy: string, scratch: string): Promise<NamedBackup> {
  const file = 'metadata.jsonl.gz';
  await downloadCopy(api, copy, join(scratch, file));
  return { store: new FolderStore(scratch), file };
}

async function readBackup(
  store: BackupStore,
  file: string | null,
  last: LastRestore | null,
  scratch: string,
): Promise<ChosenBackup> {
  return file === null
    ? chooseBackup(store, last?.phase === 'open' ? last.backup : null, scratch)
    : { file, metadata: await unpackMetadata(store, file, scratch) };
}

/** Null when this backup was restored before. */
async function restoreAll(
  api: Api,
  metadata: UnpackedMetadata,
  store: BackupStore,
  missing: ReadonlySet<string>,
  options: UploadOptions,
): Promise<Restored | null> {
  const { header, lastAudit } = metadata;
  const { tables, spareRepository, isDone } = await persist(() =>
    api.send<Begun>('POST', apiPath`/restore`, { header, lastAudit }),
  );
  if (isDone) {
    return null;
  }
  const unknown = Object.keys(metadata.counts).filter((table) => !tables.includes(table));
  if (unknown.length > 0) {
    throw new RefusalError(
      `the registry has no table ${unknown.join(', ')}; deploy the version that made the backup`,
    );
  }
  const restored: Restored = { tables: {}, missingBlobs: [...missing] };
  for (const table of tables) {
    let refused = await sendRows(api, metadata, table);
    if (table === 'blobs' && refused.size > 0) {
      await uploadBlobs(api, store, metadata, refused, spareRepository, missing, options);
      refused = await sendRows(api, metadata, table, refused);
    }
    const count = metadata.counts[table] ?? 0;
    restored.tables[table] = { restored: count - refused.size, dropped: refused.size };
  }
  await takeSteps(api, apiPath`/restore/end`);
  return restored;
}

/** Asks for the next step until it was the last. */
async function takeSteps(api: Api, path: string): Promise<void> {
  for (let isDone = false; !isDone; ) {
    ({ isDone } = await persist(() => api.send<Step>('POST', path, {})));
  }
}

/** Before anything is made, so that another backup may be taken instead. @throws RefusalError */
function requireContent(missing: ReadonlySet<string>, place: string, isIncomplete: boolean): void {
  if (missing.size > 0 && !isIncomplete) {
    throw new RefusalError(
      `${formatCount(missing.size, 'blob')} that the backup needs ${missing.size === 1 ? 'is' : 'are'} ` +
        `not in the registry's bucket, and ${place} lacks them or has them damaged: ${someOf([...missing])}; bring ` +
        'them to its blobs/sha256 and repeat this ("edgewater backup --blobs --verify" does, where the ' +
        'registry still runs), take another backup, or restore without what names them: --incomplete',
    );
  }
}

/** As many of them as can be read. */
function someOf(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function sayOf({ tables }: Restored, { tags, wrong }: Verification): string {
  const manifests = formatCount(tables.manifests?.restored ?? 0, 'manifest');
  const back = formatCount(tables.tags?.restored ?? 0, 'tag');
  const outside = `of ${formatCount(tags, 'tag')} outside deleted repositories`;
  return (
    `${manifests} and ${back} are back; ${outside}, ` +
    `${wrong.length === 0 ? 'all name' : `${tags - wrong.length} name`} what they did`
  );
}

/**
 * What was deleted while the backup was made is dropped, with what named it.
 *
 * @throws RefusalError when something is lost because content is missing
 */
function report({ tables, missingBlobs }: Restored, { wrong }: Verification, output: Output): void {
  for (const [table, { dropped }] of Object.entries(tables)) {
    if (dropped > 0) {
      output.note(`${formatCount(dropped, 'row')} of ${table}: the backup lacks what they name`);
    }
  }
  const lost = wrong.length === 0 ? '' : `${formatCount(wrong.length, 'tag')}: ${someOf(wrong)}`;
  if (missingBlobs.length > 0) {
    throw new RefusalError(
      `the restore has ended without ${formatCount(missingBlobs.length, 'blob')} and what needs ` +
        `them${lost === '' ? '' : `, ${lost}`}; push again what is lost`,
    );
  }
  if (lost !== '') {
    output.note(`Moved or deleted while the backup was made, so not as it says: ${lost}`);
  }
}
