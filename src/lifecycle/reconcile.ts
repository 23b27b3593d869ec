import { CONTENT_PREFIXES } from '../storage/keys.ts';
import type { Stores } from '../storage/stores.ts';

const JOB = 'reconcile';

/** Pages of the bucket's list in one run, of a thousand objects each. */
const MAX_PAGES = 5;

/** Crashes leave a few objects. A page of which most are orphans belongs to a database that was lost. */
const MAX_ORPHANS = 20;

/** Where in the bucket the next run goes on. */
interface Place {
  prefix: string;
  cursor: string | null;
}

const START: Place = { prefix: CONTENT_PREFIXES[0], cursor: null };

/**
 * Looks at some more of the bucket, in turns at all of it, for objects that no row names and that are
 * old enough not to be on their way: what was written for a row that a crash has prevented. They go to
 * the trash.
 *
 * @returns how many it found
 * @throws Error when so much is without a row that it is the rows that are missing
 */
export async function reconcile({ metadata, blobs, lifetimes }: Stores): Promise<number> {
  if (!(await metadata.export.hasRepositories())) {
    return 0; // a bucket beside an empty database is one whose database was lost
  }
  let place = (await metadata.progress.find<Place>(JOB)) ?? START;
  let found = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { objects, cursor } = await blobs.list(place.prefix, place.cursor);
    const youngest = Date.now() / 1000 - lifetimes.orphan;
    const keys = objects.filter(({ writtenAt }) => writtenAt <= youngest).map(({ key }) => key);
    const orphans = await metadata.trash.unnamed(keys);
    if (orphans.length > MAX_ORPHANS && orphans.length > objects.length / 2) {
      throw new Error(
        `no row names ${orphans.length} of ${objects.length} objects below ${place.prefix}: is this the ` +
          'database of this bucket? Nothing is deleted; restore the database, or delete the objects by hand',
      );
    }
    found += await metadata.trash.addOrphans(orphans);
    place = cursor === null ? after(place) : { ...place, cursor };
    await metadata.progress.save(JOB, place);
    if (place.prefix === START.prefix && place.cursor === null) {
      break; // all of it was looked at
    }
  }
  return found;
}

function after({ prefix }: Place): Place {
  const next = CONTENT_PREFIXES[(CONTENT_PREFIXES as readonly string[]).indexOf(prefix) + 1];
  return next === undefined ? START : { prefix: next, cursor: null };
}
