import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { RefusalError } from '../errors.ts';

/** Some content and what names it. https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export const DESCRIPTOR = z.object({
  mediaType: z.string().default(''),
  digest: z.string(),
  size: z.number(), // bytes
  urls: z.array(z.string()).nullish(), // where else it is: such a layer is not distributed
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z
    .object({
      os: z.string().optional(),
      architecture: z.string().optional(),
      variant: z.string().optional(),
    })
    .nullish(),
});
export type Descriptor = z.infer<typeof DESCRIPTOR>;

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
