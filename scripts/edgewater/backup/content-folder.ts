import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StoredBlob } from './format.ts';

/** Where a folder has a blob: as in an OCI layout, "blobs/sha256/<hex>". */
export function blobFile(folder: string, digest: string): string {
  const [algorithm = '', encoded = ''] = digest.split(':', 2);
  return join(folder, 'blobs', algorithm, encoded);
}

/** Whether a folder has all of it. It was compared with its digest before it got this name. */
export async function hasBlob(folder: string, { digest, size }: StoredBlob): Promise<boolean> {
  return (await sizeOf(blobFile(folder, digest))) === size;
}

/** Makes the place for a blob, and one for what has arrived of it. */
export async function placeFor(
  folder: string,
  digest: string,
): Promise<{ file: string; draft: string }> {
  const file = blobFile(folder, digest);
  await mkdir(dirname(file), { recursive: true });
  return { file, draft: `${file}.part` };
}

/** Bytes of a file, or null when it is not there. */
export async function sizeOf(file: string): Promise<number | null> {
  const found = await stat(file).catch(() => null);
  return found?.size ?? null;
}
