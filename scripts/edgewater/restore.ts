import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { type Api, apiPath } from './api.ts';
import { persist } from './backup/persist.ts';
import { type UnpackedMetadata, unpackMetadata } from './backup/read-metadata.ts';
import { sendRows } from './backup/send-rows.ts';
import { type UploadOptions, uploadBlobs } from './backup/upload-blobs.ts';
import { verifyTags } from './backup/verify-tags.ts';
import { downloadCopy } from './copies.ts';
import { RefusalError, UsageError } from './errors.ts';
import { parseConcurrency } from './options.ts';
import { openSession } from './session.ts';
import { addChunkOptions, type ChunkOptions, chunkSizeOf } from './upload/chunk-size.ts';
import { openProgress } from './upload/open-progress.ts';

interface RestoreOptions extends ChunkOptions {
  copy?: string;
  incomplete?: true;
  concurrency: number;
  quiet?: true;
}

/** What was restored: of each table how many rows, and how many of those of the backup were not. */
interface Restored {
  tables: Record<string, { restored: number; dropped: number }>;
  missingBlobs: string[]; // digests that neither the bucket nor the folder has
}

/** restore. */
export function addRestoreCommand(program: Command): void {
  const command = program
    .command('restore [backup]')
    .description('put a backup, a folder or its metadata file, into an empty registry')
    .option('--copy <name>', 'a nightly copy: where the database was lost and the bucket was not')
    .option('--incomplete', 'go on although content is missing, without what names it')
    .option('--concurrency <number>', 'blobs at a time', parseConcurrency, 4)
    .option('--quiet', 'no progress')
    .action(restore);
  addChunkOptions(command);
}

async function restore(
  backup: string | undefined,
  options: RestoreOptions,
  command: Command,
): Promise<void> {
  if ((backup === undefined) === (options.copy === undefined)) {
    throw new UsageError('name a backup, or with --copy a nightly copy');
  }
  const { api, output } = await openSession(command);
  const progress = openProgress(options.quiet ?? false);
  const scratch = await mkdtemp(join(tmpdir(), 'edgewater-restore-'));
  try {
    const file = await metadataFile(api, backup, options.copy, scratch);
    output.note(`Restoring ${options.copy ?? file}`);
    const metadata = await unpackMetadata(file, scratch);
    const restored = await restoreAll(api, metadata, dirname(file), {
      isIncomplete: options.incomplete ?? false,
      chunkSize: chunkSizeOf(options),
      concurrency: options.concurrency,
      progress,
      signal: new AbortController().signal,
    });
    const verification = await verifyTags(api, metadata);
    const { manifests, tags } = restored.tables;
    output.done(
      `${manifests?.restored} manifests and ${tags?.restored} tags are back; ` +
        `${verification.tags - verification.wrong.length} of ${verification.tags} tags answer as before`,
      { ...restored, verification },
    );
    report(restored);
  } finally {
    progress.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function metadataFile(
  api: Api,
  backup: string | undefined,
  copy: string | undefined,
  scratch: string,
): Promise<string> {
  if (copy !== undefined) {
    const file = join(scratch, 'metadata.jsonl.gz');
    await downloadCopy(api, copy, file);
    return file;
  }
  const path = backup ?? '';
  if (!(await stat(path)).isDirectory()) {
    return path;
  }
  const names = (await readdir(path)).filter((name) => /^metadata-.+\.jsonl\.gz$/.test(name));
  const newest = names.sort().at(-1);
  if (newest === undefined) {
    throw new RefusalError(`${path} has no file metadata-….jsonl.gz, so it is no backup`);
  }
  return join(path, newest);
}

async function restoreAll(
  api: Api,
  metadata: UnpackedMetadata,
  folder: string,
  { isIncomplete, ...options }: UploadOptions & { isIncomplete: boolean },
): Promise<Restored> {
  const { header, lastAudit } = metadata;
  const { tables } = await persist(() =>
    api.send<{ tables: string[] }>('POST', apiPath`/restore`, { header, lastAudit }),
  );
  const unknown = Object.keys(metadata.counts).filter((table) => !tables.includes(table));
  if (unknown.length > 0) {
    throw new RefusalError(
      `the registry has no table ${unknown.join(', ')}; deploy the version that made the backup`,
    );
  }
  const restored: Restored = { tables: {}, missingBlobs: [] };
  for (const table of tables) {
    let refused = await sendRows(api, metadata, table);
    if (table === 'blobs' && refused.size > 0) {
      restored.missingBlobs = await uploadBlobs(api, folder, metadata, refused, options);
      refused = await sendRows(api, metadata, table, refused);
      requireContent(restored.missingBlobs, isIncomplete);
    }
    const count = metadata.counts[table] ?? 0;
    restored.tables[table] = { restored: count - refused.size, dropped: refused.size };
  }
  await persist(() => api.send('POST', apiPath`/restore/end`, {}));
  return restored;
}

/** Nobody but administrators gets in yet, so there is time to find it. @throws RefusalError */
function requireContent(missing: readonly string[], isIncomplete: boolean): void {
  if (missing.length > 0 && !isIncomplete) {
    throw new RefusalError(
      `${missing.length} blobs are neither in the bucket nor in the folder: ` +
        `${missing.slice(0, 10).join(', ')}; bring them to blobs/sha256 of the folder and repeat this, ` +
        'or restore without what names them: --incomplete',
    );
  }
}

/** What was deleted while the backup was made is dropped, with what named it. */
function report({ tables }: Restored): void {
  for (const [table, { dropped }] of Object.entries(tables)) {
    if (dropped > 0) {
      process.stderr.write(`${dropped} rows of ${table} name what the backup does not have\n`);
    }
  }
}
