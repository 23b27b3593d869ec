import { InvalidArgumentError } from 'commander';

/** Where `npm start` serves. */
export const DEFAULT_REGISTRY = 'http://127.0.0.1:5000';

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/;

/** Whether a host, as URLs have it (IPv6 in brackets), is this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Reads the address of a registry: a URL, or host and port as docker has it.
 *
 * @returns the URL without a slash at its end
 * @throws InvalidArgumentError when it is none, or passwords would go over the network in the clear
 */
export function parseRegistry(text: string): string {
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `${schemeFor(text)}://${text}`);
  if (url === null || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError('It has to be as https://registry.example.com.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('It may not have a password in it.');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new InvalidArgumentError('Passwords go over https only, except on this machine.');
  }
  return url.origin;
}

function schemeFor(authority: string): string {
  return isLoopback(authority.replace(/:\d+$/, '')) ? 'http' : 'https';
}
