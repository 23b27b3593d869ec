import { RegistryError } from '../oci/errors.ts';
import { MAX_MANIFEST_SIZE } from '../oci/manifest.ts';
import { collect } from '../streams/collect.ts';

export const REFERRERS_PAGE = 1000;

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
