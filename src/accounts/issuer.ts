import { RegistryError } from '../oci/errors.ts';

const LOOPBACK = ['localhost', '127.0.0.1'];

/** IPv4 in whatever notation, which a URL writes as four numbers, and IPv6, in brackets. */
const IP_LITERAL = /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+)$/;

/**
 * Refuses an issuer whose keys the registry should not ask for: one that is not https, or that names
 * an address instead of a host. The text has to be the URL as it is, for tokens are compared with it.
 *
 * @param allowsLocal on a developer's machine: http on loopback is good
 * @throws ACCOUNT_INVALID
 */
export function checkIssuer(issuer: string, allowsLocal: boolean): void {
  const url = URL.parse(issuer);
  if (url === null || (url.href !== issuer && url.href !== `${issuer}/`)) {
    throw invalid('it has to be a URL in its normal form');
  }
  if (url.username !== '' || url.password !== '' || /[?#]/.test(issuer)) {
    throw invalid('it may not have credentials, a query or a fragment');
  }
  if (allowsLocal && LOOPBACK.includes(url.hostname) && /^https?:$/.test(url.protocol)) {
    return;
  }
  if (url.protocol !== 'https:') {
    throw invalid('it has to begin with https://');
  }
  const host = url.hostname.replace(/\.$/, '');
  if (IP_LITERAL.test(host) || host === 'localhost' || host.endsWith('.localhost')) {
    throw invalid('it has to name a host on the internet');
  }
}

function invalid(why: string): RegistryError {
  return new RegistryError('ACCOUNT_INVALID', `not an issuer that can be trusted: ${why}`);
}
