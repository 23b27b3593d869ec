/** What a registry asks for with a 401. RFC 9110 section 11.6.1; distribution's token.md. */
export type Challenge =
  | { scheme: 'basic' }
  | { scheme: 'bearer'; realm: string; service: string | null; scope: string | null };

const PARAMETER = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/** The expression may look at each character once for every other. */
const MAX_LENGTH = 4096; // characters

/** Reads a WWW-Authenticate header; null when it asks for nothing that is known. */
export function parseChallenge(header: string | null): Challenge | null {
  if (header !== null && header.length > MAX_LENGTH) {
    return null;
  }
  const [, scheme = '', rest = ''] = /^\s*([a-z]+)\s*(.*)$/is.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'basic') {
    return { scheme: 'basic' };
  }
  if (scheme.toLowerCase() !== 'bearer') {
    return null;
  }
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of rest.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain);
  }
  const realm = parameters.get('realm');
  return realm === undefined
    ? null
    : {
        scheme: 'bearer',
        realm,
        service: parameters.get('service') ?? null,
        scope: parameters.get('scope') ?? null,
      };
}
