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

/** What is read of a manifest or an index. */
export const DOCUMENT = z.object({
  mediaType: z.string().nullish(),
  config: DESCRIPTOR.nullish(),
  layers: z.array(DESCRIPTOR).nullish(),
  blobs: z.array(DESCRIPTOR).nullish(), // of an artifact manifest of image-spec 1.1's drafts
  manifests: z.array(DESCRIPTOR).nullish(),
  subject: DESCRIPTOR.nullish(),
});
export type Document = z.infer<typeof DOCUMENT>;

/** The annotation that names an image of a layout. https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md */
export const REFERENCE_NAME = 'org.opencontainers.image.ref.name';

export const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

const MANIFEST_TYPE =
  /^application\/vnd\.(?:oci\.image\.(?:manifest|index)|docker\.distribution\.manifest(?:\.list)?)\.v\d\+json$/;

/** Whether an entry of an index is a manifest; the cache of BuildKit is an index of layers. */
export function isManifest({ mediaType }: Descriptor): boolean {
  return mediaType === '' || MANIFEST_TYPE.test(mediaType);
}

/** A blob in a file. */
export interface Blob {
  digest: string;
  size: number; // bytes
  file: string;
}

/** Some content that can be read, as often as need be. */
export interface Content {
  digest: string;
  size: number; // bytes
  read: () => AsyncIterable<Buffer>;
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

/** The content of a file. */
export function contentOf({ digest, size, file }: Blob): Content {
  return { digest, size, read: () => createReadStream(file, { highWaterMark: 2 ** 20 }) };
}

/** The bytes of some content. @throws `damaged` at their end when they have another digest or size */
export async function* readVerified(
  { digest, size, read }: Content,
  damaged = new RefusalError(`the source is damaged: ${digest} has other content`),
): AsyncGenerator<Buffer> {
  const [algorithm = ''] = digest.split(':', 1);
  const hash = createHash(algorithm);
  let length = 0;
  for await (const bytes of read()) {
    hash.update(bytes);
    length += bytes.length;
    yield bytes;
  }
  if (length !== size || `${algorithm}:${hash.digest('hex')}` !== digest) {
    throw damaged;
  }
}

/** The digest of some bytes. */
export function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Where a layout has content. @throws RefusalError for a digest that is none: it becomes part of a path */
export function blobName(digest: string): string {
  if (!DIGEST.test(digest)) {
    throw new RefusalError(`it names "${digest}", which is no digest that is understood`);
  }
  return `blobs/${digest.replace(':', '/')}`;
}
