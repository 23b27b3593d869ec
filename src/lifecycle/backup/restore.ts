import type { Digest } from '../../oci/digest.ts';
import { algorithmOf, digestOf } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { newManifestKey } from '../../storage/keys.ts';
import { type BackupRow, EDGES, type ExportedTable } from '../../storage/metadata/backup-tables.ts';
import { InvalidRowError } from '../../storage/metadata/restore.ts';
import type { RestoreState } from '../../storage/metadata/restore-state.ts';
import type { Stores } from '../../storage/stores.ts';

/** A large manifest is stored and committed within one request. */
const COMMIT_TIME = 10 * 60; // seconds

/**
 * Puts rows of a table back. A blob or a large manifest takes its object from the bucket if that still
 * has it.
 *
 * @returns the places of those that cannot be put back, or not yet: what they name is not there
 * @throws ACCOUNT_INVALID, ACCOUNT_UNKNOWN when no restore is under way
 */
export async function restoreRows(
  stores: Stores,
  table: ExportedTable,
  rows: readonly BackupRow[],
): Promise<number[]> {
  const { metadata } = stores;
  const state = await openRestore(metadata);
  if (rows.length === 0) {
    return [];
  }
  try {
    await metadata.restore.check(table, rows);
    requireOldEntries(table, rows, state);
    const refused = await restoreIn(stores, table, rows, state);
    if (refused === null) {
      throw noneUnderWay();
    }
    return refused;
  } catch (error) {
    if (error instanceof InvalidRowError) {
      throw new RegistryError('ACCOUNT_INVALID', `a row of ${table} is damaged: ${error.message}`);
    }
    throw error;
  }
}

/** The restore that takes rows. @throws ACCOUNT_UNKNOWN */
export async function openRestore({ restoreStates }: Stores['metadata']): Promise<RestoreState> {
  const state = await restoreStates.find();
  if (state?.phase !== 'open') {
    throw noneUnderWay();
  }
  return state;
}

/** Those of blobs, by their places, whose content the bucket does not have. */
export async function missingContent(
  { metadata, blobs }: Stores,
  rows: readonly BackupRow[],
): Promise<number[]> {
  const known = await metadata.restore.blobKeys(rows.map(({ digest }) => String(digest) as Digest));
  const sizes = await Promise.all(
    rows.map(({ digest, r2_key }) => blobs.size(known.get(String(digest)) ?? String(r2_key))),
  );
  return rows.flatMap(({ size }, at) => (sizes[at] === size ? [] : [at]));
}

function noneUnderWay(): RegistryError {
  return new RegistryError('ACCOUNT_UNKNOWN', 'no restore is under way; begin one');
}

/** What comes after the backup is of this registry. @throws InvalidRowError */
function requireOldEntries(
  table: ExportedTable,
  rows: readonly BackupRow[],
  { lastAudit }: RestoreState,
): void {
  const first = { audit: 1, tag_history: 0 }[String(table)];
  const isOld = ({ id }: BackupRow) =>
    typeof id === 'number' && id >= Number(first) && id <= lastAudit;
  if (first !== undefined && !rows.every(isOld)) {
    throw new InvalidRowError(`its id is not of ${first} to ${lastAudit}, the last of the backup`);
  }
}

function restoreIn(
  stores: Stores,
  table: ExportedTable,
  rows: readonly BackupRow[],
  state: RestoreState,
): Promise<number[] | null> {
  if (table === 'blobs') {
    return restoreBlobs(stores, rows, state);
  }
  return EDGES[table] === undefined
    ? stores.metadata.restore.insert(table, rows, state)
    : restoreManifests(stores, table, rows, state);
}

async function restoreBlobs(
  stores: Stores,
  rows: readonly BackupRow[],
  state: RestoreState,
): Promise<number[] | null> {
  const missing = await missingContent(stores, rows);
  const present = rows.filter((_, at) => !missing.includes(at));
  const inserted =
    present.length === 0 ? [] : await stores.metadata.restore.insert('blobs', present, state);
  return inserted === null ? null : missing;
}

/** Bodies go where they were: into the row, or into the bucket. */
async function restoreManifests(
  stores: Stores,
  table: ExportedTable,
  rows: readonly BackupRow[],
  state: RestoreState,
): Promise<number[] | null> {
  const { metadata } = stores;
  const prepared: BackupRow[] = [];
  const places: number[] = []; // of the prepared ones
  const intents: string[] = [];
  for (const [place, row] of rows.entries()) {
    const isLarge = typeof row.r2_key === 'string';
    const isNeeded = isLarge && !(await metadata.restore.hasManifest(table, row));
    const object = isNeeded ? await objectOf(stores, row) : null;
    if ((isNeeded && object === null) || !hasOwnBytes(row)) {
      continue;
    }
    prepared.push(
      isLarge ? { ...row, body: null, r2_key: object?.key ?? row.r2_key ?? null } : row,
    );
    places.push(place);
    intents.push(...(object?.isNew ? [object.key] : []));
  }
  const refused =
    prepared.length === 0 ? [] : await metadata.restore.insert(table, prepared, state);
  await metadata.restore.settle(table, intents);
  for (const key of intents) {
    await metadata.uploads.abandon(key); // of those that no row has taken
  }
  if (refused === null) {
    return null;
  }
  const taken = places.filter((_, at) => !refused.includes(at));
  return [...rows.keys()].filter((place) => !taken.includes(place));
}

/** The key of the body of a large manifest: the old one, or one that it is stored under now, or null. */
async function objectOf(
  { metadata, blobs }: Stores,
  { r2_key, body, digest, size }: BackupRow,
): Promise<{ key: string; isNew: boolean } | null> {
  const old = String(r2_key);
  if ((await blobs.size(old)) === size) {
    return { key: old, isNew: false };
  }
  if (typeof body !== 'string') {
    return null;
  }
  const key = newManifestKey();
  await metadata.restore.announce(key, COMMIT_TIME);
  const isStored = await blobs.put(key, new TextEncoder().encode(body), String(digest) as Digest);
  return isStored ? { key, isNew: true } : null;
}

/** False for a body that is not what its digest says; one that is in the bucket is compared there. */
function hasOwnBytes({ body, digest, size }: BackupRow): boolean {
  if (typeof body !== 'string') {
    return true;
  }
  const bytes = new TextEncoder().encode(body);
  const named = String(digest) as Digest;
  return bytes.byteLength === size && digestOf(bytes, algorithmOf(named)) === named;
}
