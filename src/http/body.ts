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
 * The request with its body in memory, so that whatever is decided then is decided by what holds when
 * the body is there, however slowly it came.
 *
 * @throws BODY_TOO_LARGE above `limit` bytes
 */
export async function withBodyRead(request: Request, limit: number): Promise<Request> {
  if (request.body === null) {
    return request;
  }
  const body = await collect(request.body, limit).catch(breakOff);
  if (body === null) {
    throw new RegistryError('BODY_TOO_LARGE');
  }
  return new Request(request.url, { method: request.method, headers: request.headers, body });
}

/** Two tokens of 16 KiB and a page of scopes. */
const MAX_FORM_SIZE = 64 * 1024; // bytes

/**
 * A form (application/x-www-form-urlencoded).
 *
 * @throws TOKEN_REQUEST_INVALID when it is something else or has more than 64 KiB
 */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded' || request.body === null) {
    throw new RegistryError('TOKEN_REQUEST_INVALID', 'send a form (x-www-form-urlencoded)');
  }
  const bytes = await collect(request.body, MAX_FORM_SIZE).catch(breakOff);
  if (bytes === null) {
    throw new RegistryError('TOKEN_REQUEST_INVALID', 'the form has more than 64 KiB');
  }
  return new URLSearchParams(new TextDecoder().decode(bytes));
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
