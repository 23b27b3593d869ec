import type { Api } from '../api.ts';
import { RefusalError } from '../errors.ts';
import { inParallel } from '../in-parallel.ts';
import { pushBlobs } from '../push/push-image.ts';
import { RegistryLogin } from '../push/registry-login.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import type { Progress } from '../upload/progress.ts';
import { RETRY_POLICY } from '../upload/retry.ts';
import { Upstream } from '../upload/upstream.ts';
import { type StoredBlob, toStoredBlob } from './format.ts';
import { byRepository } from './needed-blobs.ts';
import type { UnpackedMetadata } from './read-metadata.ts';
import type { BackupStore } from './store/backup-store.ts';

/** How to send. */
export interface UploadOptions {
  chunkSize: number; // bytes
  concurrency: number; // blobs at a time
  progress: Progress;
  signal: AbortSignal;
}

/** Blobs of one repository that are sent by one login. */
const BATCH = 50;

/** Repositories at a time: most have few blobs. */
const REPOSITORIES = 2;

/**
 * Pushes those blobs that the bucket lacks and the store has, each into a repository that has it, so
 * that nobody sees it who should not.
 *
 * @param places of the blobs in their table
 * @param spare a private repository for what only deleted repositories had: their names cannot be pushed to
 * @param missing digests of what the store has not, or not whole
 * @throws RefusalError
 */
export async function uploadBlobs(
  api: Api,
  store: BackupStore,
  metadata: UnpackedMetadata,
  places: ReadonlySet<number>,
  spare: string,
  missing: ReadonlySet<string>,
  options: UploadOptions,
): Promise<void> {
  const wanted = await wantedBlobs(metadata, places);
  const batches: { repository: string; blobs: StoredBlob[] }[] = [];
  for (const [name, blobs] of await byRepository(metadata, wanted)) {
    const here: StoredBlob[] = [];
    for (const blob of blobs) {
      if (!missing.has(blob.digest) && (await store.hasBlob(blob))) {
        here.push(blob);
      }
    }
    for (let start = 0; start < here.length; start += BATCH) {
      batches.push({ repository: name ?? spare, blobs: here.slice(start, start + BATCH) });
    }
  }
  const upstream = new Upstream(api.registry);
  try {
    await inParallel(batches, REPOSITORIES, ({ repository, blobs }) =>
      pushBlobs(
        blobs.map((blob) => ({ ...blob, read: () => store.readBlob(blob) })),
        {
          ...options,
          repository,
          upstream,
          credentials: new RegistryLogin(upstream, api.login, `repository:${repository}:pull,push`),
          policy: RETRY_POLICY,
          concurrency: Math.ceil(options.concurrency / REPOSITORIES),
        },
      ),
    );
  } catch (error) {
    throw error instanceof ConnectionError ? new RefusalError(error.message) : error;
  } finally {
    upstream.close();
  }
}

async function wantedBlobs(
  metadata: UnpackedMetadata,
  places: ReadonlySet<number>,
): Promise<Map<string, StoredBlob>> {
  const wanted = new Map<string, StoredBlob>();
  let place = 0;
  for await (const row of metadata.rows('blobs')) {
    if (places.has(place)) {
      wanted.set(String(row.digest), toStoredBlob(row));
    }
    place += 1;
  }
  return wanted;
}
