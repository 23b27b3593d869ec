import type { Digest } from '../../oci/digest.ts';
import { CANONICAL_ALGORITHM, digestOf, isDigest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { newManifestKey } from '../../storage/keys.ts';
import type { Actor } from '../../storage/metadata/audit.ts';
import { type BackupRow, EDGES, type ExportedTable } from '../../storage/metadata/backup-tables.ts';
import { InvalidRowError, type RestoreState } from '../../storage/metadata/restore.ts';
import type { Stores } from '../../storage/stores.ts';
import { type BackupHeader, FORMAT, FORMAT_VERSION } from './header.ts';

/** A large manifest is stored and committed within one request. */
const COMMIT_TIME = 10 * 60; // seconds

/**
 * Begins a restore, or goes on with one of the same backup.
 *
 * @param lastAudit the largest id of its entries of the audit log
 * @throws ACCOUNT_INVALID for a backup that this program cannot read, ACCOUNT_EXISTS for a registry that
 *   is in use
 */
export async function beginRestore(
  { metadata }: Stores,
  header: BackupHeader,
  lastAudit: number,
  actor: Actor,
): Promise<void> {
  if (header.format !== FORMAT || header.version !== FORMAT_VERSION) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `this registry reads backups of the format ${FORMAT} ${FORMAT_VERSION}, not ` +
        `${header.format} ${header.version}; deploy the version of Edgewater that made it`,
    );
  }
  const { schema } = await metadata.export.state();
  if (header.schema > schema) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      `the backup is of a newer schema (${header.schema}) than this registry (${schema}); ` +
        'deploy the version of Edgewater that made it, or a newer one',
    );
  }
  const state = await metadata.restore.find();
  if (state !== null && !state.isDone && state.backup === header.id) {
    return;
  }
  if (!(await metadata.restore.isEmpty())) {
    throw new RegistryError(
      'ACCOUNT_EXISTS',
      'this registry has repositories, namespaces or users, and a backup goes into an empty one only; ' +
        'restore into a new deployment',
    );
  }
  await metadata.restore.begin(header.id, lastAudit, actor);
}

/** Ends the restore that is under way. @throws ACCOUNT_UNKNOWN */
export async function endRestore({ metadata }: Stores, actor: Actor): Promise<void> {
  await metadata.restore.end(await stateOf(metadata), actor);
}

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
  const state = await stateOf(metadata);
  const [first] = rows;
  if (first === undefined) {
    return [];
  }
  const lists = (EDGES[table] ?? []).map(({ field }) => field);
  const unknown = await metadata.restore.unknownColumns(table, first, lists);
  if (unknown.length > 0) {
    throw new RegistryError('ACCOUNT_INVALID', `${table} has no column ${unknown.join(', ')}`);
  }
  await metadata.restore.goOn(state);
  try {
    if (table === 'blobs') {
      return await restoreBlobs(stores, rows, state);
    }
    if (EDGES[table] !== undefined) {
      return await restoreManifests(stores, table, rows, state);
    }
    return await metadata.restore.insert(table, rows, state);
  } catch (error) {
    if (error instanceof InvalidRowError) {
      throw new RegistryError('ACCOUNT_INVALID', `a row of ${table} is damaged: ${error.message}`);
    }
    throw error;
  }
}

async function stateOf(metadata: Stores['metadata']): Promise<RestoreState> {
  const state = await metadata.restore.find();
  if (state === null || state.isDone) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'no restore is under way; begin one');
  }
  return state;
}

async function restoreBlobs(
  { metadata, blobs }: Stores,
  rows: readonly BackupRow[],
  state: RestoreState,
): Promise<number[]> {
  const known = await metadata.restore.blobKeys(rows.map(({ digest }) => String(digest) as Digest));
  const sizes = await Promise.all(
    rows.map(({ digest, r2_key }) => blobs.size(known.get(String(digest)) ?? String(r2_key))),
  );
  const isThere = rows.map(({ size }, at) => sizes[at] === size);
  const present = rows.filter((_, at) => isThere[at]);
  if (present.length > 0) {
    await metadata.restore.insert('blobs', present, state);
  }
  return isThere.flatMap((is, at) => (is ? [] : [at]));
}

/** Bodies go where they were: into the row, or into the bucket. */
async function restoreManifests(
  stores: Stores,
  table: ExportedTable,
  rows: readonly BackupRow[],
  state: RestoreState,
): Promise<number[]> {
  const { metadata } = stores;
  const prepared: BackupRow[] = [];
  const places: number[] = []; // of the prepared ones
  const intents: string[] = [];
  for (const [place, row] of rows.entries()) {
    const isLarge = typeof row.r2_key === 'string';
    const isNeeded = isLarge && !(await metadata.restore.hasManifest(table, row));
    const object = isNeeded ? await objectOf(stores, row) : null;
    if (isNeeded && object === null) {
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
  const bytes = new TextEncoder().encode(body);
  const named = String(digest);
  const algorithm = named.startsWith('sha512:') ? 'sha512' : CANONICAL_ALGORITHM;
  if (!isDigest(named) || digestOf(bytes, algorithm) !== named) {
    throw new InvalidRowError(`the manifest ${named} has other bytes`);
  }
  const key = newManifestKey();
  await metadata.restore.announce(key, COMMIT_TIME);
  await blobs.put(key, bytes, named);
  return { key, isNew: true };
}
