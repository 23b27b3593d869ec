import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { RefusalError } from '../errors.ts';
import type { Blob } from './content.ts';

const READ = 2 ** 20; // bytes

/**
 * Compresses a layer from one file into another. Node's gzip has no time and no name in its header
 * (RFC 1952), so the same layer is the same blob.
 *
 * @param diffId the digest that its tar archive has to have, if that is known
 * @throws RefusalError when it has another
 */
export async function compressLayer(
  from: string,
  to: string,
  diffId: string | undefined,
  signal: AbortSignal,
): Promise<Blob> {
  const plain = new Measure();
  const packed = new Measure();
  const source = createReadStream(from, { highWaterMark: READ });
  if (await isCompressed(from)) {
    await pipeline(source, packed, createWriteStream(to), { signal });
    return { digest: packed.digest, size: packed.size, file: to };
  }
  const gzip = createGzip({ chunkSize: READ });
  await pipeline(source, plain, gzip, packed, createWriteStream(to), { signal });
  if (diffId !== undefined && plain.digest !== diffId) {
    throw new RefusalError(`the source is damaged: the layer ${diffId} has other content`);
  }
  return { digest: packed.digest, size: packed.size, file: to };
}

/** Whether a file is gzipped (RFC 1952) or compressed by zstd (RFC 8878). */
export async function isCompressed(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const magic = buffer.toString('hex');
    return magic.startsWith('1f8b') || magic === '28b52ffd';
  } finally {
    await file.close();
  }
}

/** Hashes and counts what passes. */
class Measure extends Transform {
  readonly #hash = createHash('sha256');
  size = 0; // bytes

  override _transform(bytes: Buffer, _: string, done: (error: null, bytes: Buffer) => void): void {
    this.#hash.update(bytes);
    this.size += bytes.length;
    done(null, bytes);
  }

  /** To be asked for once, at the end. */
  get digest(): string {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }
}
