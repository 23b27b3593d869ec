import { RegistryError } from '../oci/errors.ts';
import { addressRefusal } from './address.ts';
import { isTlsFailure, noAnswer, unreachable } from './unreachable.ts';

export type OutgoingBody = string | Uint8Array | ReadableStream<Uint8Array>;

/** A request to somebody else's server. */
export interface Outgoing {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  url: URL;
  headers: Headers; // with Authorization, which only the first host sees
  body?: OutgoingBody;
}

const MAX_REDIRECTS = 5;

/** Until the head of an answer is there. */
const PATIENCE = 30_000; // milliseconds

/** The same, where a stream has to go there first. */
const STREAM_PATIENCE = 14 * 60_000; // milliseconds

/**
 * Sends a request and follows redirects, of GET and HEAD, whose addresses are checked like the first.
 * Another host, or a way without encryption, gets no Authorization (Fetch standard, HTTP-redirect fetch, step 13).
 *
 * @throws UPSTREAM_FAILED when there is no answer, UPSTREAM_REFUSED when an address is not to be asked
 */
export async function send(request: Outgoing, allowsPrivate: boolean): Promise<Response> {
  let { url } = request;
  const headers = new Headers(request.headers);
  for (let left = MAX_REDIRECTS; ; left--) {
    const refusal = addressRefusal(url, allowsPrivate);
    if (refusal !== null) {
      throw new RegistryError('UPSTREAM_REFUSED', `the upstream is not asked: ${refusal}`);
    }
    const response = await ask({ ...request, url, headers });
    const location = response.headers.get('Location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
      return response;
    }
    await response.body?.cancel();
    if (left === 0) {
      throw new RegistryError('UPSTREAM_FAILED', `${request.url.host} redirects too often`);
    }
    if (!URL.canParse(location, url.href)) {
      throw new RegistryError('UPSTREAM_FAILED', `${url.host} redirects to what is no URL`);
    }
    const next = new URL(location, url);
    if (request.method === 'POST' || request.method === 'PUT') {
      throw new RegistryError(
        'UPSTREAM_FAILED',
        `${url.host} redirects a ${request.method} to ${next.origin}; only reads follow redirects: if it ` +
          'has moved there, set that as its URL',
      );
    }
    if (next.host !== url.host || next.protocol !== url.protocol) {
      headers.delete('Authorization');
    }
    url = next;
  }
}

async function ask({ method, url, headers, body }: Outgoing): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(
    () => patience.abort(),
    body instanceof ReadableStream ? STREAM_PATIENCE : PATIENCE,
  );
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: patience.signal,
      ...(body !== undefined && { body }),
    });
  } catch (error) {
    console.error(`${url.host} did not answer:`, error);
    throw noAnswer(url, error);
  } finally {
    clearTimeout(timer);
  }
  if (isTlsFailure(response)) {
    await response.body?.cancel();
    throw unreachable(url.host);
  }
  return response;
}
