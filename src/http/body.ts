import { RegistryError } from '../oci/errors.ts';
import { collect } from '../streams/collect.ts';

/**
 * The length that a request announces, in bytes, or null for a chunked body.
 *
 * @throws SIZE_INVALID
 */
export function contentLength(headers: Headers): number | null {
  const value = headers.get('Content-Length');
  if (value === null) {
    return null;
  }
  if (!/^\d{1,15}$/.test(value)) {
    throw new RegistryError('SIZE_INVALID', 'Content-Length is not a number of bytes');
  }
  return Number(value);
}

/**
 * The whole body.
 *
 * @throws MANIFEST_TOO_LARGE when it has more than `limit` bytes
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  if (request.body === null) {
    return new Uint8Array();
  }
  const isTooLong = (contentLength(request.headers) ?? 0) > limit;
  const bytes = isTooLong ? null : await collect(request.body, limit);
  if (bytes === null) {
    throw new RegistryError('MANIFEST_TOO_LARGE');
  }
  return bytes;
}
