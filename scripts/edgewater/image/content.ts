import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { RefusalError } from '../errors.ts';

/** Some content and what names it. https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number; // bytes
  urls?: string[]; // where else it is: such a layer is not distributed
  annotations?: Record<string, string>;
  platform?: { os?: string; architecture?: string; variant?: string };
}

/** A blob in a file. */
export interface Blob {
  digest: string;
  size: number; // bytes
  file: string;
}

/** A manifest or an index, byte for byte. */
export interface Manifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}

/** An image, or an index of several, that can be pushed. */
export interface Image {
  layers: Blob[];
  configs: Blob[];
  manifests: Manifest[]; // what is named before what names it; the last is the image's own
  missing: string[]; // platforms, or digests, of manifests that the index names and nobody has
}

/** The bytes of a blob. @throws RefusalError at their end when they have another digest or size */
export async function* readVerified({ digest, size, file }: Blob): AsyncGenerator<Buffer> {
  const [algorithm = ''] = digest.split(':', 1);
  const hash = createHash(algorithm);
  let length = 0;
  for await (const bytes of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    hash.update(bytes);
    length += bytes.length;
    yield bytes;
  }
  if (length !== size || `${algorithm}:${hash.digest('hex')}` !== digest) {
    throw new RefusalError(`the source is damaged: ${digest} has other content`);
  }
}

/** The digest of some bytes. */
export function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
