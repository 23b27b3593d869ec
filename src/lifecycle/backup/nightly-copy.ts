import { CANONICAL_ALGORITHM, digestOf } from '../../oci/digest.ts';
import { copyKey, newCopyPartKey } from '../../storage/keys.ts';
import { EXPORTED } from '../../storage/metadata/backup-tables.ts';
import type { RowKey } from '../../storage/metadata/export.ts';
import type { Stores } from '../../storage/stores.ts';
import { type Copy, forgetCopies } from './copies.ts';
import { exportPage } from './export-page.ts';
import { type BackupHeader, newHeader } from './header.ts';

/** Where the next run goes on. */
interface CopyState {
  header: BackupHeader;
  began: number; // seconds since the epoch, by the database
  table: number; // its place among the exported ones
  after: RowKey | null;
  counts: Record<string, number>; // rows by table
  parts: Copy['parts'];
  isDone: boolean;
}

/** What a run did. */
export interface CopyProgress {
  copy: string | null; // the one that is under way, or was ended; null when none is due
  isDone: boolean;
}

const JOB = 'copy';

/** Lines of a part before they are compressed, but for the page that goes above it. */
const PART_SIZE = 4 * 2 ** 20; // characters

/**
 * Parts of one run: each may take a hundred queries, and a run of the clock, which has other work too, may
 * ask a thousand times. What is left waits for the next.
 */
const MAX_PARTS = 1;

/**
 * Goes on with the copy of the database in R2, or begins one when the last is old enough. Each part is
 * written under a new key before its place is saved, so a run that dies, or meets another, leaves parts
 * that nobody names; and a copy is one when the list of its parts is written. That comes after the place of
 * the last part, which is saved unless a restore has begun: so none has rows of before and of after one.
 *
 * @param isDue begins one now, however young the last one is
 * @throws RESTORE_UNDER_WAY
 */
export async function copyDatabase(stores: Stores, isDue = false): Promise<CopyProgress> {
  const { progress } = stores.metadata;
  let state = await progress.find<CopyState>(JOB);
  if (state === null || state.isDone) {
    const next = await begin(stores, state, isDue);
    if (next === null || !(await progress.replace(JOB, state, next))) {
      return { copy: null, isDone: true };
    }
    state = next;
  }
  for (let part = 0; part < MAX_PARTS && !isWhole(state); part++) {
    const next = await copyPart(stores, state);
    if (!(await progress.replace(JOB, state, next))) {
      return { copy: null, isDone: true }; // another run goes on with it
    }
    state = next;
  }
  if (isWhole(state)) {
    await complete(stores, state);
    const done: CopyState = { ...state, isDone: true };
    await progress.replace(JOB, state, done); // another run may have been faster, with the same list
    state = done;
    await forgetCopies(stores, nameOf(state));
  }
  return { copy: nameOf(state), isDone: state.isDone };
}

async function begin(
  { metadata, lifetimes }: Stores,
  last: CopyState | null,
  isDue: boolean,
): Promise<CopyState | null> {
  const database = await metadata.export.state();
  const isOld = isDue || last === null || last.began + lifetimes.copy <= database.now;
  // Copies of an empty database would push out those of one that was lost.
  if (!isOld || !(await metadata.export.hasRepositories())) {
    return null;
  }
  const header = newHeader(database);
  const began = database.now;
  return { header, began, table: 0, after: null, counts: {}, parts: [], isDone: false };
}

async function copyPart(stores: Stores, before: CopyState): Promise<CopyState> {
  const counts = { ...before.counts };
  let { table, after } = before;
  let lines = before.parts.length === 0 ? toLine(before.header) : '';
  for (; table < EXPORTED.length && lines.length < PART_SIZE; ) {
    const name = EXPORTED[table] ?? 'audit';
    const { rows, next } = await exportPage(stores, name, after);
    lines += rows.map((row) => toLine({ table: name, row })).join('');
    counts[name] = (counts[name] ?? 0) + rows.length;
    after = next;
    table += next === null ? 1 : 0;
  }
  const isLast = table === EXPORTED.length;
  const bytes = await compress(isLast ? lines + toLine({ end: true, rows: counts }) : lines);
  const key = newCopyPartKey(nameOf(before));
  await stores.backups.put(key, bytes, digestOf(bytes, CANONICAL_ALGORITHM));
  const parts = [...before.parts, { key, size: bytes.byteLength }];
  return { ...before, table, after, counts, parts };
}

/** Whether all rows are in its parts. */
function isWhole({ table }: CopyState): boolean {
  return table === EXPORTED.length;
}

/** Lists the parts, which are those of the saved state: of two runs that do it both write the same. */
async function complete({ backups }: Stores, { header, counts, parts }: CopyState): Promise<void> {
  const name = nameOf({ header });
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const copy: Copy = { name, takenAt: header.takenAt, rows, parts };
  const bytes = new TextEncoder().encode(JSON.stringify(copy));
  await backups.put(copyKey(name), bytes, digestOf(bytes, CANONICAL_ALGORITHM));
}

/** Sorts by time, and is good in a path. */
function nameOf({ header }: Pick<CopyState, 'header'>): string {
  return header.takenAt.replaceAll(/[:.]/g, '-');
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

async function compress(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
