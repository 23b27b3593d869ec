import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { RefusalError } from '../errors.ts';
import type { Blob } from './content.ts';

const READ = 2 ** 20; // bytes

/**
 * Compresses a layer from one file into another, unless it is gzipped already. Node's gzip has no time
 * and no name in its header (RFC 1952), so the same layer is the same blob.
 *
 * @param diffId the digest that its tar archive has to have, if that is known
 * @throws RefusalError when it has another, and for zstd, which docker's manifests have no type for
 */
export async function compressLayer(
  from: string,
  to: string,
  diffId: string | undefined,
  signal: AbortSignal,
): Promise<Blob> {
  const plain = new Measure();
  const packed = new Measure();
  const compression = await compressionOf(from);
  if (compression === 'zstd') {
    throw new RefusalError(
      "the layers are compressed by zstd, which docker's manifests have no type for: push an OCI " +
        'layout, as "skopeo copy docker-archive:app.tar oci:layout" makes one',
    );
  }
  const source = createReadStream(from, { highWaterMark: READ });
  if (compression === 'gzip') {
    await pipeline(source, packed, createGunzip(), plain, drain, { signal }).catch((error) => {
      signal.throwIfAborted();
      throw new RefusalError(
        `the source is damaged: a layer cannot be unpacked (${error.message})`,
      );
    });
  } else {
    const gzip = createGzip({ chunkSize: READ });
    await pipeline(source, plain, gzip, packed, createWriteStream(to), { signal });
  }
  if (diffId !== undefined && plain.digest !== diffId) {
    throw new RefusalError(`the source is damaged: the layer ${diffId} has other content`);
  }
  const file = compression === 'gzip' ? from : to;
  return { digest: packed.digest, size: packed.size, file };
}

/** Reads what nobody needs. */
async function drain(source: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of source) {
    // it was measured on its way
  }
}

/** How a file is compressed: gzip is RFC 1952, zstd RFC 8878. */
export async function compressionOf(path: string): Promise<'gzip' | 'zstd' | null> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const magic = buffer.toString('hex');
    return magic.startsWith('1f8b') ? 'gzip' : magic === '28b52ffd' ? 'zstd' : null;
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
