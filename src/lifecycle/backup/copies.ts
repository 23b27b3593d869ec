import { COMPLETE_COPIES, COPY_PARTS, copyKey } from '../../storage/keys.ts';
import type { Stores } from '../../storage/stores.ts';

/** A copy of the database in R2. */
export interface Copy {
  name: string;
  takenAt: string; // RFC 3339
  rows: number;
  parts: { key: string; size: number }[]; // gzip, one behind the other; sizes in bytes
}

/** So many copies stay, the newest ones. */
const KEPT = 14;

/** Pages of the list of all parts that one run looks through, of a thousand objects each. */
const MAX_PAGES = 10;

/** What a time is written as in a name. */
const NAME = /^[\dTZ-]{1,64}$/;

/** Copies that are whole, the newest first. It asks R2 alone: the database may be what is lost. */
export async function listCopies(stores: Stores): Promise<Copy[]> {
  const copies = await Promise.all((await copyNames(stores)).map((name) => findCopy(stores, name)));
  return copies.filter((copy) => copy !== null);
}

/** A copy that is whole, or null. */
export async function findCopy({ backups }: Stores, name: string): Promise<Copy | null> {
  const text = NAME.test(name) ? await backups.text(copyKey(name)) : null;
  return text === null ? null : JSON.parse(text);
}

/** Deletes old copies, and parts of those before `current` that were never whole: names sort by time. */
export async function forgetCopies(stores: Stores, current: string): Promise<void> {
  const { backups } = stores;
  const names = await copyNames(stores);
  const kept = names.slice(0, KEPT);
  await backups.delete(names.slice(KEPT).map(copyKey)); // first, so that none lacks its parts
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const found = await backups.list(COPY_PARTS, cursor);
    const keys = found.objects.map(({ key }) => key);
    const old = keys.filter((key) => copyOf(key) < current && !kept.includes(copyOf(key)));
    await backups.delete(old);
    cursor = found.cursor;
    if (cursor === null) {
      break;
    }
  }
}

async function copyNames({ backups }: Stores): Promise<string[]> {
  const { objects } = await backups.list(COMPLETE_COPIES, null);
  return objects
    .map(({ key }) => key.slice(COMPLETE_COPIES.length))
    .sort()
    .reverse();
}

function copyOf(key: string): string {
  return key.slice(COPY_PARTS.length).split('/', 1)[0] ?? '';
}
