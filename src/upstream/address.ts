import ipaddr from 'ipaddr.js';

/** Names that mean this machine, its network or the cloud's own services, whatever they resolve to. */
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa)$/;

/**
 * Why a URL must not be asked, or null: private, link-local and other special addresses (IANA's
 * special-purpose registries) are where the insides of somebody's network are, and names of one label
 * and the like resolve to them. Checked before every request, also behind a redirect (CVE-2026-2376).
 * What a public name resolves to is not seen here: on Cloudflare a fetch does not reach private networks.
 */
export function addressRefusal(url: URL, allowsPrivate: boolean): string | null {
  if (url.username !== '' || url.password !== '') {
    return `${url.host}: a URL must not have a password in it`;
  }
  if (allowsPrivate) {
    return url.protocol === 'https:' || url.protocol === 'http:'
      ? null
      : `${url.protocol} is not HTTP`;
  }
  if (url.protocol !== 'https:') {
    return `${url.protocol}//${url.host} is not https`;
  }
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (ipaddr.isValid(host)) {
    const range = ipaddr.process(host).range();
    return range === 'unicast' ? null : `${host} is a ${range} address`;
  }
  return host.includes('.') && !PRIVATE_NAMES.test(host) ? null : `${host} is a private name`;
}
