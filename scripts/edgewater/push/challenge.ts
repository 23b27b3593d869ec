/** What a registry wants to be asked with. https://distribution.github.io/distribution/spec/auth/token/ */
export type Challenge =
  | { scheme: 'basic' }
  | { scheme: 'bearer'; realm: string; service: string | null };

/** Reads WWW-Authenticate (RFC 9110 section 11.6.1). Null when there is nothing in it that is understood. */
export function parseChallenge(header: string | undefined): Challenge | null {
  const bearer = /\bbearer\s+(.*)$/is.exec(header ?? '')?.[1];
  if (bearer !== undefined) {
    const realm = parameter(bearer, 'realm');
    return realm === null
      ? null
      : { scheme: 'bearer', realm, service: parameter(bearer, 'service') };
  }
  return /\bbasic\b/i.test(header ?? '') ? { scheme: 'basic' } : null;
}

function parameter(parameters: string, name: string): string | null {
  return new RegExp(`\\b${name}\\s*=\\s*"([^"]*)"`, 'i').exec(parameters)?.[1] ?? null;
}
