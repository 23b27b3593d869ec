/** What an Authorization header holds. */
export type Credentials =
  | { scheme: 'none' }
  | { scheme: 'basic'; username: string; password: string }
  | { scheme: 'bearer'; token: string }
  | { scheme: 'unknown' };

/** Basic with two tokens of 16 KiB, in base64. */
const MAX_LENGTH = 64 * 1024; // characters

/** Reads an Authorization header: Basic (RFC 7617, in UTF-8) or Bearer (RFC 6750). */
export function parseCredentials(header: string | null): Credentials {
  if (header === null) {
    return { scheme: 'none' };
  }
  const space = header.indexOf(' ');
  if (space === -1) {
    return { scheme: 'unknown' };
  }
  const scheme = header.slice(0, space).toLowerCase();
  const value = header.slice(space + 1).trim();
  if (scheme === 'bearer') {
    return { scheme, token: value };
  }
  return scheme === 'basic' && header.length <= MAX_LENGTH
    ? parseBasic(value)
    : { scheme: 'unknown' };
}

function parseBasic(value: string): Credentials {
  if (!/^[\w+/-]+=*$/.test(value)) {
    return { scheme: 'unknown' };
  }
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1
    ? { scheme: 'unknown' }
    : { scheme: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) };
}
