import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../registry-url.ts';

/**
 * Why a request is not for this proxy; null when it is.
 *
 * It lends nobody credentials, but an open registry needs none. So nobody from outside may ask, nor a
 * page in a browser: a name that somebody pointed at this machine (DNS rebinding) shows in Host, and
 * a page of another site in Origin or Sec-Fetch-Site. Clients of registries send neither.
 */
export function refusalOf(request: IncomingMessage): string | null {
  const { host = '', origin, 'sec-fetch-site': site = 'none' } = request.headers;
  if (!isOwnAddress(request.socket.remoteAddress ?? '')) {
    return 'the proxy is for this machine alone';
  }
  if (!isLoopback(host.replace(/:\d{1,5}$/, ''))) {
    return 'the Host has to be localhost or a loopback address';
  }
  if (origin !== undefined || site !== 'none') {
    return 'the proxy is not for pages in a browser';
  }
  return request.url?.startsWith('/') ? null : 'the proxy serves one registry: ask it for a path';
}

function isOwnAddress(address: string): boolean {
  const ipv4 = address.replace(/^::ffff:/, ''); // as a socket for both has it
  return isLoopback(ipv4.includes(':') ? `[${ipv4}]` : ipv4);
}
