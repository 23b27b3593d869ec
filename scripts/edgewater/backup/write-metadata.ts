import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Api, apiPath } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { backupsIn } from './choose-backup.ts';
import { type Header, type Row, type StoredBlob, toStoredBlob } from './format.ts';
import { persist } from './persist.ts';

/** What was written. */
export interface Metadata {
  file: string;
  blobs: StoredBlob[];
  counts: Record<string, number>; // rows by table
  lost: string[]; // digests of manifests whose bytes the bucket has lost
}

/**
 * Reads all rows of the registry into a file of `folder`, which is made if it is not there; the file
 * appears when it is whole.
 *
 * @param allowEmpty saves a registry without repositories beside what the folder has
 * @throws RefusalError, and writes nothing, for such a registry otherwise
 */
export async function writeMetadata(
  api: Api,
  folder: string,
  allowEmpty: boolean,
): Promise<Metadata> {
  const header = await persist(() => api.send<Header>('POST', apiPath`/backup`, {}));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const time = header.takenAt.replaceAll(/[:.]/g, '-');
  const file = join(folder, `metadata-${time}.jsonl.gz`);
  const metadata: Metadata = { file, blobs: [], counts: {}, lost: [] };
  const newest = (await backupsIn(folder)).at(-1);
  const requireContent = () => {
    if (metadata.counts.repositories === 0 && newest !== undefined && !allowEmpty) {
      throw new RefusalError(
        `${api.registry} has no repositories, and ${newest} is there: an empty backup would hide it ` +
          'from a restore of the folder. See that this is the registry that you mean and that no ' +
          'restore was broken off; --empty saves it all the same',
      );
    }
  };
  await writeWhole(file, Readable.from(lines(api, header, metadata, requireContent)), createGzip());
  const keys = metadata.blobs.map((blob) => `${JSON.stringify(blob)}\n`);
  await writeWhole(join(folder, `keys-${time}.jsonl`), Readable.from(keys));
  return metadata;
}

/** @param onRead is called when all rows were read, before the last line */
async function* lines(
  api: Api,
  header: Header,
  metadata: Metadata,
  onRead: () => void,
): AsyncGenerator<string> {
  yield `${JSON.stringify(header)}\n`;
  for (const table of header.tables) {
    metadata.counts[table] ??= 0;
    let after: string | undefined;
    do {
      const page = await persist(() =>
        api.get<{ rows: Row[]; next?: string }>(apiPath`/backup/tables/${table}`, { after }),
      );
      note(table, page.rows, metadata);
      yield page.rows.map((row) => `${JSON.stringify({ table, row })}\n`).join('');
      after = page.next;
    } while (after !== undefined);
  }
  onRead();
  yield `${JSON.stringify({ end: true, rows: metadata.counts })}\n`;
}

function note(table: string, rows: Row[], metadata: Metadata): void {
  metadata.counts[table] = (metadata.counts[table] ?? 0) + rows.length;
  if (table === 'blobs') {
    metadata.blobs.push(...rows.map(toStoredBlob));
  }
  const lost = rows.filter((row) => 'body' in row && row.body === null);
  metadata.lost.push(...lost.map(({ digest }) => String(digest)));
}

/** Only its owner can read it. */
async function writeWhole(
  file: string,
  source: Readable,
  ...through: NodeJS.ReadWriteStream[]
): Promise<void> {
  const draft = `${file}.part`;
  try {
    await pipeline([source, ...through, createWriteStream(draft, { mode: 0o600, flush: true })]);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
