import { RegistryError } from '../oci/errors.ts';
import { collect } from '../streams/collect.ts';

/** Indexes in indexes, and signatures of signatures. */
export const MAX_DEPTH = 8;

/** Of one image, with all that is about it. */
export const MAX_MANIFESTS = 20_000;

export const REFERRERS_PAGE = 1000;

/** The spec's: distribution-spec v1.1.1 "Pushing Manifests". */
export const MAX_MANIFEST_SIZE = 4 * 2 ** 20; // bytes

/** The whole of a manifest that was opened. @throws MANIFEST_TOO_LARGE */
export async function bytesOf(
  content: string | Uint8Array | ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  if (typeof content === 'string') {
    return new TextEncoder().encode(content);
  }
  const bytes = content instanceof Uint8Array ? content : await collect(content, MAX_MANIFEST_SIZE);
  if (bytes === null) {
    throw new RegistryError('MANIFEST_TOO_LARGE');
  }
  return bytes;
}
