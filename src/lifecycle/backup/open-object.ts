import { RegistryError } from '../../oci/errors.ts';
import { CONTENT_PREFIXES } from '../../storage/keys.ts';
import type { Stores } from '../../storage/stores.ts';

/** Keys of anything else are not read here; R2 takes 1,024 bytes. */
const CONTENT_KEY = new RegExp(`^(?:${CONTENT_PREFIXES.join('|')})[\\w.-]{1,128}$`);

/**
 * The bytes of content by its key, from `offset` on; null when there are none after that.
 *
 * @throws ACCOUNT_UNKNOWN, or ACCOUNT_INVALID for an offset behind the end
 */
export async function openObject(
  { blobs }: Stores,
  key: string,
  offset: number,
): Promise<ReadableStream<Uint8Array> | null> {
  const size = CONTENT_KEY.test(key) ? await blobs.size(key) : null;
  if (size === null) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such object, or not any more');
  }
  if (offset > size) {
    throw new RegistryError('ACCOUNT_INVALID', `the object has ${size} bytes`);
  }
  const content = size === offset ? null : await blobs.openRange(key, offset, size - offset);
  return content?.body ?? null;
}
