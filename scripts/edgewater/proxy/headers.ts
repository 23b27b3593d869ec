import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** What is between two neighbours and goes no further (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The two ends of the proxy: both are origins. */
export interface Ends {
  here: string; // as the client wrote it
  upstream: string;
}

/** The headers of a request that are for the registry. Host and those of the body are not among them. */
export function toUpstream(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const dropped = namedIn(headers.connection);
  const { host, expect, 'content-length': length, 'content-range': range, ...others } = headers;
  return Object.fromEntries(
    Object.entries(others).filter(([name]) => !HOP_BY_HOP.has(name) && !dropped.has(name)),
  );
}

/**
 * The headers of an answer that are for the client, names and values in turn. What leads to the
 * registry itself leads through the proxy then: Location, and the realm that gives out tokens.
 */
export function toClient(rawHeaders: readonly string[], ends: Ends): string[] {
  const pairs = toPairs(rawHeaders);
  const connection = pairs.filter(([name]) => name.toLowerCase() === 'connection');
  const dropped = namedIn(connection.map(([, value]) => value).join(','));
  return pairs.flatMap(([name, value]) => {
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || dropped.has(key)) {
      return [];
    }
    switch (key) {
      case 'location':
        return [name, relative(value, ends.upstream) ?? value];
      case 'www-authenticate':
        return [name, withRealmHere(value, ends)];
      default:
        return [name, value];
    }
  });
}

/** The path of the realm that a challenge names, if that is the registry's own. */
export function ownRealm(rawHeaders: readonly string[], upstream: string): string | null {
  for (const [name, value] of toPairs(rawHeaders)) {
    const realm = name.toLowerCase() === 'www-authenticate' ? REALM.exec(value)?.[1] : undefined;
    const path = realm === undefined ? null : relative(realm, upstream);
    if (path !== null) {
      return path;
    }
  }
  return null;
}

const REALM = /\brealm="([^"]*)"/i;

function withRealmHere(challenge: string, { here, upstream }: Ends): string {
  return challenge.replace(REALM, (whole, realm: string) => {
    const path = relative(realm, upstream);
    return path === null ? whole : `realm="${here}${path}"`;
  });
}

/** Path and query of a URL of this origin; null for others, and for what is relative already. */
function relative(url: string, origin: string): string | null {
  const parsed = URL.parse(url);
  return parsed?.origin === origin ? `${parsed.pathname}${parsed.search}` : null;
}

function namedIn(connection: string | undefined): Set<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

function toPairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  }
  return pairs;
}
