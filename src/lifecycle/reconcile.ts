import { CONTENT_PREFIXES } from '../storage/keys.ts';
import type { Stores } from '../storage/stores.ts';

const JOB = 'reconcile';

/** Pages of the bucket's list in one run, of a thousand objects each. */
const MAX_PAGES = 5;

/** Where in the bucket the next run goes on. */
interface Place {
  prefix: string;
  cursor: string | null;
}

const START: Place = { prefix: CONTENT_PREFIXES[0], cursor: null };

/**
 * Looks at some more of the bucket, in turns at all of it, for objects that no row names and that are
 * old enough not to be on their way: what was written for a row that a crash has prevented. They go to the trash.
 *
 * @returns how many it found
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
    if (keys.length > 0) {
      found += await metadata.trash.addOrphans(keys);
    }
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
