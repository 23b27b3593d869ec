import type { Api } from '../api.ts';
import { inParallel } from '../in-parallel.ts';
import { pushBlobs } from '../push/push-image.ts';
import { RegistryLogin } from '../push/registry-login.ts';
import type { Progress } from '../upload/progress.ts';
import { RETRY_POLICY } from '../upload/retry.ts';
import { Upstream } from '../upload/upstream.ts';
import { blobFile, hasBlob } from './content-folder.ts';
import { type StoredBlob, toStoredBlob } from './format.ts';
import type { UnpackedMetadata } from './read-metadata.ts';

/** How to send. */
export interface UploadOptions {
  chunkSize: number; // bytes
  concurrency: number; // blobs at a time
  progress: Progress;
  signal: AbortSignal;
}

/** A private repository for what only deleted repositories had: their names cannot be pushed to. */
const OF_NOBODY = 'edgewater-restore/deleted';

/** Blobs of one repository that are sent by one login. */
const BATCH = 50;

/** Repositories at a time: most have few blobs. */
const REPOSITORIES = 2;

/**
 * Pushes those blobs that the bucket lacks and the folder has, each into a repository that has it, so
 * that nobody sees it who should not.
 *
 * @param places of the blobs in their table
 * @returns the digests of those that nobody has
 */
export async function uploadBlobs(
  api: Api,
  folder: string,
  metadata: UnpackedMetadata,
  places: ReadonlySet<number>,
  options: UploadOptions,
): Promise<string[]> {
  const wanted = await wantedBlobs(metadata, places);
  const missing: string[] = [];
  const batches: { repository: string; blobs: StoredBlob[] }[] = [];
  for (const [repository, blobs] of await byRepository(metadata, wanted)) {
    const here: StoredBlob[] = [];
    for (const blob of blobs) {
      if (await hasBlob(folder, blob)) {
        here.push(blob);
      } else {
        missing.push(blob.digest);
      }
    }
    for (let start = 0; start < here.length; start += BATCH) {
      batches.push({ repository, blobs: here.slice(start, start + BATCH) });
    }
  }
  const upstream = new Upstream(api.registry);
  try {
    await inParallel(batches, REPOSITORIES, ({ repository, blobs }) =>
      pushBlobs(
        blobs.map(({ digest, size }) => ({ digest, size, file: blobFile(folder, digest) })),
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
  } finally {
    upstream.close();
  }
  return missing;
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

/**
 * Where each blob goes: a repository that links it, or one of nobody when only deleted ones did. What
 * nothing names arrived when the rest was read, and is not needed.
 */
async function byRepository(
  metadata: UnpackedMetadata,
  wanted: ReadonlyMap<string, StoredBlob>,
): Promise<Map<string, StoredBlob[]>> {
  const names = new Map<unknown, string>();
  for await (const { id, name, deleted_at } of metadata.rows('repositories')) {
    names.set(id, deleted_at === null ? String(name) : OF_NOBODY);
  }
  const places = new Map<string, string>();
  const note = (digest: string, repository: unknown) => {
    const name = names.get(repository);
    if (
      name !== undefined &&
      wanted.has(digest) &&
      (places.get(digest) ?? OF_NOBODY) === OF_NOBODY
    ) {
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
  return Map.groupBy(needed, ({ digest }) => places.get(digest) ?? OF_NOBODY);
}
