import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Api, apiPath } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { backupsIn } from './choose-backup.ts';
import { type Header, type Row, type StoredBlob, toStoredBlob } from './format.ts';
import { persist } from './persist.ts';
import type { BackupStore } from './store/backup-store.ts';

/** What was written. */
export interface Metadata {
  file: string; // of the store
  blobs: StoredBlob[];
  counts: Record<string, number>; // rows by table
  lost: string[]; // digests of manifests whose bytes the bucket has lost
}

/**
 * Reads all rows of the registry into a file of the store, which appears when it is whole.
 *
 * @param allowEmpty saves a registry without repositories beside what the store has
 * @throws RefusalError, and writes nothing, for such a registry otherwise
 */
export async function writeMetadata(
  api: Api,
  store: BackupStore,
  allowEmpty: boolean,
): Promise<Metadata> {
  const newest = (await backupsIn(store)).at(-1);
  const header = await persist(() => api.send<Header>('POST', apiPath`/backup`, {}));
  const time = header.takenAt.replaceAll(/[:.]/g, '-');
  const file = `metadata-${time}.jsonl.gz`;
  const metadata: Metadata = { file, blobs: [], counts: {}, lost: [] };
  const requireContent = () => {
    if (metadata.counts.repositories === 0 && newest !== undefined && !allowEmpty) {
      throw new RefusalError(
        `${api.registry} has no repositories, and ${store.nameOf(newest)} is there: an empty backup ` +
          'would hide it from a restore. See that this is the registry that you mean and that no ' +
          'restore was broken off; --empty saves it all the same',
      );
    }
  };
  const rows = Readable.from(lines(api, header, metadata, requireContent));
  await store.write(
    file,
    pipeline(rows, createGzip(), () => {}),
  ); // the store hears of an error
  const keys = metadata.blobs.map((blob) => `${JSON.stringify(blob)}\n`);
  await store.write(`keys-${time}.jsonl`, Readable.from(keys, { objectMode: false }));
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
