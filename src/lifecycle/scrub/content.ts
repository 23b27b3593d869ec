import { algorithmOf, type Digest } from '../../oci/digest.ts';
import type { Damage, DamagedObject } from '../../storage/metadata/damage.ts';
import type { ContentRow, ContentTable } from '../../storage/metadata/scrub.ts';
import type { Stores } from '../../storage/stores.ts';
import type { ScrubBudget, ScrubProblem } from './findings.ts';
import { inPool } from './in-pool.ts';
import { compareManifests } from './manifests.ts';

/** Objects that are read at once: an invocation may have six connections. */
const READS = 4;

/** A page of a table, compared. */
interface ContentPage {
  looked: number;
  objects: number;
  bytes: number;
  problems: ScrubProblem[];
  damaged: DamagedObject[];
  whole: string[]; // keys
  last: string | null; // where to go on; null at the end of the table
}

/** Reads the objects of the next rows of a table, and compares what they are with the rows. */
export async function scrubContent(
  stores: Stores,
  table: ContentTable,
  after: string,
  budget: ScrubBudget,
): Promise<ContentPage> {
  const rows = await stores.metadata.scrub.page(table, after, budget.objects);
  const taken = withinBudget(rows, budget);
  const sampled = taken.filter(({ digest }) => isSampled(digest, budget.sample));
  const stored = sampled.filter((row): row is StoredRow => row.key !== null);
  const found = await inPool(stored, READS, (row) => damageOf(stores, row));
  const problems: ScrubProblem[] = [];
  const damaged: DamagedObject[] = [];
  for (const [at, row] of stored.entries()) {
    const finding = found[at] ?? null;
    if (finding !== null) {
      const { repository, digest, key } = row;
      problems.push({ ...finding, where: table, repository, digest, key });
      damaged.push({ key, digest, damage: finding.kind });
    }
  }
  const lost = new Set(damaged.map(({ key }) => key));
  if (table !== 'blobs') {
    const readable = sampled.filter(({ key }) => key === null || !lost.has(key));
    problems.push(...(await compareManifests(stores, table, readable)));
  }
  return {
    looked: taken.length,
    objects: sampled.length,
    bytes: sampled.reduce((sum, { size }) => sum + size, 0),
    problems,
    damaged,
    whole: stored.map(({ key }) => key).filter((key) => !lost.has(key)),
    last:
      rows.length < budget.objects && taken.length === rows.length
        ? null
        : (taken.at(-1)?.place ?? null),
  };
}

type StoredRow = ContentRow & { key: string };

/** As many rows as fit, and the first in any case: so a large object has a step of its own. */
function withinBudget(rows: readonly ContentRow[], { bytes, sample }: ScrubBudget): ContentRow[] {
  let left = bytes;
  const end = rows.findIndex(({ digest, size }, at) => {
    left -= isSampled(digest, sample) ? size : 0;
    return left < 0 && at > 0;
  });
  return rows.slice(0, end === -1 ? rows.length : end);
}

/** The same objects for the same sample, spread evenly: digests are as good as random. */
function isSampled(digest: Digest, { every, offset }: ScrubBudget['sample']): boolean {
  return Number.parseInt(digest.slice(-8), 16) % every === offset;
}

/** What is wrong with an object: null when nothing is. A wrong one is read twice before it counts. */
async function damageOf(
  stores: Stores,
  row: StoredRow,
): Promise<{ kind: Damage; detail: string } | null> {
  return (await readOnce(stores, row)) && readOnce(stores, row);
}

async function readOnce(
  { blobs }: Stores,
  { key, digest, size }: StoredRow,
): Promise<{ kind: Damage; detail: string } | null> {
  const actual = await blobs.measure(key, algorithmOf(digest));
  if (actual === null) {
    return { kind: 'missing', detail: 'the object is not there' };
  }
  if (actual.size !== size) {
    return { kind: 'size', detail: `the object has ${actual.size} bytes, the row says ${size}` };
  }
  return actual.digest === digest
    ? null
    : { kind: 'digest', detail: `the object has the digest ${actual.digest}` };
}
