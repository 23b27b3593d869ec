import { RegistryError } from '../../oci/errors.ts';
import { CONTENT_PREFIXES } from '../../storage/keys.ts';
import type { Stores } from '../../storage/stores.ts';

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
  const isContent = CONTENT_PREFIXES.some((prefix) => key.startsWith(prefix));
  const size = isContent ? await blobs.size(key) : null;
  if (size === null) {
    throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such object, or not any more');
  }
  if (offset > size) {
    throw new RegistryError('ACCOUNT_INVALID', `the object has ${size} bytes`);
  }
  const content = size === offset ? null : await blobs.openRange(key, offset, size - offset);
  return content?.body ?? null;
}
