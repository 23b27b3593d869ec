import { type Api, apiPath } from '../api.ts';
import { type StoredBlob, toStoredBlob } from './format.ts';
import { persist } from './persist.ts';
import type { UnpackedMetadata } from './read-metadata.ts';
import type { BackupStore } from './store/backup-store.ts';
import { hasWholeBlob } from './store/blob-digest.ts';

/** Blobs that one request asks about. */
const BATCH = 100;

/**
 * Where each blob goes: a repository that links it, or null when only deleted ones did. What nothing names
 * arrived when the rest was read, and is not needed.
 *
 * @param wanted by digest
 */
export async function byRepository(
  metadata: UnpackedMetadata,
  wanted: ReadonlyMap<string, StoredBlob>,
): Promise<Map<string | null, StoredBlob[]>> {
  const names = new Map<unknown, string | null>();
  for await (const { id, name, deleted_at } of metadata.rows('repositories')) {
    names.set(id, deleted_at === null ? String(name) : null);
  }
  const places = new Map<string, string | null>();
  const note = (digest: string, repository: unknown) => {
    const name = names.get(repository);
    if (name !== undefined && wanted.has(digest) && (places.get(digest) ?? null) === null) {
      places.set(digest, name);
    }
  };
  for await (const { digest, repository_id } of metadata.rows('repository_blobs')) {
    note(String(digest), repository_id);
  }
  for await (const { blobs, repository_id } of metadata.rows('deleted_manifests')) {
    for (const digest of Array.isArray(blobs) ? blobs : []) {
      note(digest, repository_id);
    }
  }
  const needed = [...wanted.values()].filter(({ digest }) => places.has(digest));
  return Map.groupBy(needed, ({ digest }) => places.get(digest) ?? null);
}

/** Finds what a backup needs that neither the bucket of the registry nor the store has whole: digests. */
export async function missingBlobs(
  api: Api,
  store: BackupStore,
  metadata: UnpackedMetadata,
): Promise<Set<string>> {
  const all = new Map<string, StoredBlob>();
  for await (const row of metadata.rows('blobs')) {
    const blob = toStoredBlob(row);
    all.set(blob.digest, blob);
  }
  const needed = [...(await byRepository(metadata, all)).values()].flat();
  const missing = new Set<string>();
  for (let start = 0; start < needed.length; start += BATCH) {
    const blobs = needed.slice(start, start + BATCH);
    const answer = await persist(() =>
      api.send<{ missing: number[] }>('POST', apiPath`/restore/missing`, { blobs }),
    );
    for (const at of answer.missing) {
      const blob = blobs[at];
      if (blob !== undefined && !(await hasWholeBlob(store, blob))) {
        missing.add(blob.digest);
      }
    }
  }
  return missing;
}
