import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline as connect } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { RefusalError } from '../errors.ts';
import type { Header, Line, Row } from './format.ts';
import type { BackupStore } from './store/backup-store.ts';

/** A backup whose lines were all read: the rows of each table are in a file of their own. */
export interface UnpackedMetadata {
  header: Header;
  counts: Record<string, number>; // rows by table
  lastAudit: number; // the largest id of an entry of the audit log
  rows(table: string): AsyncGenerator<Row>;
}

/**
 * Reads a backup to its end, which tells whether it is whole, and sorts its rows into `scratch`.
 *
 * @throws RefusalError when the file is damaged, or none
 */
export async function unpackMetadata(
  store: BackupStore,
  file: string,
  scratch: string,
): Promise<UnpackedMetadata> {
  const name = store.nameOf(file);
  const files = new Map<string, WriteStream>();
  const counts: Record<string, number> = {};
  let header: Header | null = null;
  let lastAudit = 0;
  let end: Record<string, number> | null = null;
  const sort = async (lines: AsyncIterable<string>) => {
    for await (const text of lines) {
      if (header === null) {
        header = parseHeader(text, name);
        continue;
      }
      const line = parse<Line>(text, name);
      if ('end' in line) {
        end = line.rows;
        continue;
      }
      const { table, row } = line;
      counts[table] = (counts[table] ?? 0) + 1;
      lastAudit = table === 'audit' ? Math.max(lastAudit, Number(row.id)) : lastAudit;
      await write(files, scratch, table, row);
    }
  };
  // A pipeline, for it alone hears of an error of the unpacking wherever the reader of the lines is by then.
  await pipeline(store.read(file), createGunzip(), readLines, sort).catch((error) => {
    throw /^Z_/.test(String(error.code)) ? damaged(name, error.message) : error;
  });
  await Promise.all(Array.from(files.values(), close));
  const isWhole = Object.entries(end ?? {}).every(([table, rows]) => (counts[table] ?? 0) === rows);
  if (header === null || end === null || !isWhole) {
    throw damaged(name, 'it has not all of its lines');
  }
  const hasRows = (table: string) => files.has(table);
  return {
    header,
    counts,
    lastAudit,
    rows: (table) => readRows(hasRows(table) ? tableFile(scratch, table) : null),
  };
}

/** The first line of a backup. @throws RefusalError when it is damaged, or none */
export async function readHeader(store: BackupStore, file: string): Promise<Header> {
  const unpacked = createGunzip();
  connect(store.read(file), unpacked, () => {}); // whoever reads the lines hears of an error
  for await (const text of readLines(unpacked)) {
    return parseHeader(text, store.nameOf(file));
  }
  throw damaged(store.nameOf(file), 'it is empty');
}

async function* readRows(file: string | null): AsyncGenerator<Row> {
  if (file !== null) {
    for await (const text of readLines(createReadStream(file))) {
      yield JSON.parse(text) as Row;
    }
  }
}

async function write(
  files: Map<string, WriteStream>,
  scratch: string,
  table: string,
  row: Row,
): Promise<void> {
  const known = files.get(table);
  const target = known ?? createWriteStream(tableFile(scratch, table), { mode: 0o600 });
  files.set(table, target);
  if (!target.write(`${JSON.stringify(row)}\n`)) {
    await once(target, 'drain');
  }
}

async function close(target: WriteStream): Promise<void> {
  target.end();
  await once(target, 'close');
}

/** Names of tables come from the file: what is none must not become a path. */
function tableFile(scratch: string, table: string): string {
  if (!/^[a-z_]{1,64}$/.test(table)) {
    throw new RefusalError(`"${table}" is not the name of a table: the backup is damaged`);
  }
  return join(scratch, `${table}.jsonl`);
}

function parseHeader(text: string, file: string): Header {
  const header = parse<Header>(text, file);
  if (header?.format !== 'edgewater-metadata') {
    throw new RefusalError(`${file} is not a backup of Edgewater's metadata`);
  }
  return header;
}

function parse<T>(text: string, file: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw damaged(file, 'a line is not JSON');
  }
}

function damaged(file: string, why: string): RefusalError {
  return new RefusalError(`${file} is damaged: ${why}; restore from another backup`);
}

/** Lines of a stream; one may have several MiB. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  for await (const bytes of source) {
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      yield Buffer.concat([...pieces, bytes.subarray(start, end)]).toString();
      pieces = [];
      start = end + 1;
    }
    pieces.push(bytes.subarray(start));
  }
}
