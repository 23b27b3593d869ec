import { RegistryError } from '../oci/errors.ts';
import { collect } from '../streams/collect.ts';
import { discard } from '../streams/discard.ts';

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
 * @throws MANIFEST_TOO_LARGE when it has more than `limit` bytes, SIZE_INVALID when it breaks off
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  if (request.body === null) {
    return new Uint8Array();
  }
  const isTooLong = (contentLength(request.headers) ?? 0) > limit;
  const bytes = isTooLong ? null : await collect(request.body, limit).catch(breakOff);
  if (bytes === null) {
    throw new RegistryError('MANIFEST_TOO_LARGE');
  }
  return bytes;
}

/**
 * Takes from the client what the handler left of a body. One that still sends when the connection
 * closes sees a reset and not the answer.
 */
export async function discardBody(request: Request): Promise<void> {
  if (request.body !== null && !request.bodyUsed) {
    await discard(request.body);
  }
}

function breakOff(): never {
  throw new RegistryError('SIZE_INVALID', 'the body broke off');
}
