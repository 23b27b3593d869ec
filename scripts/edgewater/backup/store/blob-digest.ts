import { createHash } from 'node:crypto';
import type { StoredBlob } from '../format.ts';
import type { BackupStore } from './backup-store.ts';

/** Whether bytes have a digest: all of them are read. */
export async function haveDigest(bytes: AsyncIterable<Buffer>, digest: string): Promise<boolean> {
  const [algorithm = '', encoded] = digest.split(':', 2);
  const hash = createHash(algorithm);
  for await (const some of bytes) {
    hash.update(some);
  }
  return hash.digest('hex') === encoded;
}

/** Whether a store has a blob that still has its digest. */
export async function hasWholeBlob(store: BackupStore, blob: StoredBlob): Promise<boolean> {
  return (await store.hasBlob(blob)) && (await haveDigest(store.readBlob(blob), blob.digest));
}
