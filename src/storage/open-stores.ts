import { type StoreOptions, Stores } from './stores.ts';

/** What the runtime binds of it. */
interface Bindings {
  DB: D1Database;
  BUCKET: R2Bucket;
  BACKUP_BUCKET?: R2Bucket;
}

/** How it is used. */
type Usage = Pick<StoreOptions, 'readWindow' | 'maxAges' | 'lifetimes' | 'pullInterval'>;

/** The clock and Durable Objects ask at no host, so what they do cannot reach the edge cache of one. */
export const NO_ORIGIN = 'http://localhost';

/** The stores of this deployment; `origin` is the scheme and host of the request that they are opened for. */
export function openStores(
  { DB, BUCKET, BACKUP_BUCKET }: Bindings,
  { readWindow, maxAges, lifetimes, pullInterval }: Usage,
  origin: string,
): Stores {
  return new Stores(
    {
      database: DB,
      bucket: BUCKET,
      backupBucket: BACKUP_BUCKET,
      readWindow,
      maxAges,
      lifetimes,
      pullInterval,
    },
    origin,
  );
}
