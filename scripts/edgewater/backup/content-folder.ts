import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StoredBlob } from './format.ts';

/** Where a folder has a blob: as in an OCI layout, "blobs/sha256/<hex>". */
export function blobFile(folder: string, digest: string): string {
  const [algorithm = '', encoded = ''] = digest.split(':', 2);
  return join(folder, 'blobs', algorithm, encoded);
}

/** Whether a folder has a file of the size of a blob. It had its digest when it got this name. */
export async function hasBlob(folder: string, { digest, size }: StoredBlob): Promise<boolean> {
  return (await sizeOf(blobFile(folder, digest))) === size;
}

/** As {@link hasBlob}, and the file still has the digest: all of it is read. */
export async function hasWholeBlob(folder: string, blob: StoredBlob): Promise<boolean> {
  if (!(await hasBlob(folder, blob))) {
    return false;
  }
  const { hex } = await hashOf(blobFile(folder, blob.digest), blob.digest);
  return blob.digest.endsWith(`:${hex}`);
}

/** What a file, which need not be there, hashes to by the algorithm of a digest, and its bytes. */
export async function hashOf(
  file: string,
  digest: string,
): Promise<{ hex: string; length: number }> {
  const hash = createHash(digest.split(':', 1)[0] ?? '');
  let length = 0;
  if ((await sizeOf(file)) !== null) {
    for await (const bytes of createReadStream(file, { highWaterMark: 2 ** 20 })) {
      hash.update(bytes);
      length += bytes.length;
    }
  }
  return { hex: hash.digest('hex'), length };
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
