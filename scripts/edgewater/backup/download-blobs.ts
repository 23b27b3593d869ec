import { type Api, apiPath } from '../api.ts';
import { inParallel } from '../in-parallel.ts';
import type { Progress } from '../upload/progress.ts';
import { Upstream } from '../upload/upstream.ts';
import type { Row, StoredBlob } from './format.ts';
import { persist } from './persist.ts';
import { readObject } from './registry-object.ts';
import { type BackupStore, BlobGone } from './store/backup-store.ts';
import { hasWholeBlob } from './store/blob-digest.ts';

/** What became of the blobs. */
export interface Downloads {
  fetched: number;
  present: number; // in the store, from an earlier time
  deleted: number; // from the registry, since it was asked
  failed: string[]; // digests
}

/**
 * Fetches blobs that a store lacks. One that fails does not keep the others from coming.
 *
 * @param options verify reads what is there, and fetches what has not its digest any more
 */
export async function downloadBlobs(
  api: Api,
  store: BackupStore,
  blobs: readonly StoredBlob[],
  options: { verify: boolean; concurrency: number; progress: Progress },
): Promise<Downloads> {
  const downloads: Downloads = { fetched: 0, present: 0, deleted: 0, failed: [] };
  const { concurrency, progress } = options;
  const upstream = new Upstream(api.registry);
  const transfer = progress.start(
    'blobs',
    blobs.reduce((sum, { size }) => sum + size, 0),
  );
  let done = 0;
  const fetchOne = async (blob: StoredBlob): Promise<void> => {
    let own = 0;
    const update = (bytes: number) => {
      done += bytes - own;
      own = bytes;
      transfer.update(done);
    };
    const isThere = await (options.verify ? hasWholeBlob(store, blob) : store.hasBlob(blob));
    if (isThere) {
      downloads.present += 1;
    } else if (await saveBlob(store, blob, { upstream, api, update })) {
      downloads.fetched += 1;
    } else if (await isNeeded(api, blob)) {
      downloads.failed.push(blob.digest);
      progress.warn(`the bucket has lost ${blob.digest}; "edgewater scrub" says more`);
    } else {
      downloads.deleted += 1;
    }
    update(blob.size);
  };
  try {
    await inParallel(blobs, concurrency, (blob) =>
      fetchOne(blob).catch((error: unknown) => {
        if (store.concernsAll(error)) {
          throw error;
        }
        downloads.failed.push(blob.digest);
        progress.warn(String((error as Error).message));
      }),
    );
    transfer.end(downloads.failed.length === 0 ? null : `${downloads.failed.length} are missing`);
    return downloads;
  } finally {
    upstream.close();
  }
}

/**
 * @param update is told how many bytes of it have come
 * @returns false when the registry does not have it any more
 */
async function saveBlob(
  store: BackupStore,
  blob: StoredBlob,
  { upstream, api, update }: { upstream: Upstream; api: Api; update: (bytes: number) => void },
): Promise<boolean> {
  async function* read(offset: number): AsyncGenerator<Buffer> {
    let received = offset;
    for await (const bytes of readObject({ upstream, api }, blob, offset)) {
      received += bytes.length;
      update(received);
      yield bytes;
    }
  }
  try {
    await store.saveBlob(blob, read);
    return true;
  } catch (error) {
    if (error instanceof BlobGone) {
      return false;
    }
    throw error;
  }
}

/** Whether a blob whose object is gone still has its row: else it was deleted meanwhile. */
async function isNeeded(api: Api, { digest, key }: StoredBlob): Promise<boolean> {
  const after = JSON.stringify([digest.slice(0, -1)]);
  const { rows } = await persist(() =>
    api.get<{ rows: Row[] }>(apiPath`/backup/tables/blobs`, { after }),
  );
  return rows.some((row) => row.digest === digest && row.r2_key === key);
}
