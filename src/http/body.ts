import { RegistryError } from '../oci/errors.ts';

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
 * The whole body, of which no more than `limit` bytes are read.
 *
 * @throws MANIFEST_TOO_LARGE when there are more
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  if ((contentLength(request.headers) ?? 0) > limit) {
    throw new RegistryError('MANIFEST_TOO_LARGE');
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > limit) {
      throw new RegistryError('MANIFEST_TOO_LARGE');
    }
    chunks.push(chunk);
  }
  return concatenate(chunks, length);
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) {
    return first;
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
