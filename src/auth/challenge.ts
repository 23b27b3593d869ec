import { RegistryError } from '../oci/errors.ts';

/** Why a token was not enough (RFC 6750 section 3.1). */
export type ChallengeError = 'invalid_token' | 'insufficient_scope';

/**
 * The answer that makes a client fetch a token: 401, always, for clients fetch another one only
 * then. `origin` is the scheme and host that was asked; `scope` what the request needs, or null.
 *
 * Source: https://distribution.github.io/distribution/spec/auth/token/
 */
export function challenge(
  origin: string,
  scope: string | null,
  error: ChallengeError | null,
): RegistryError {
  const parameters = [`realm="${origin}/token"`, `service="${serviceOf(origin)}"`];
  if (scope !== null) {
    parameters.push(`scope="${scope}"`);
  }
  if (error !== null) {
    parameters.push(`error="${error}"`);
  }
  const headers = { 'WWW-Authenticate': `Bearer ${parameters.join(',')}` };
  return new RegistryError('UNAUTHORIZED', MESSAGES[error ?? 'none'], { headers });
}

const MESSAGES = {
  none: 'authentication required: log in, or fetch a token where WWW-Authenticate says',
  invalid_token: 'the token is not valid or has expired: fetch another one',
  insufficient_scope: 'requested access to the resource is denied',
};

/** The name of the service that tokens are for: the host. */
export function serviceOf(origin: string): string {
  return origin.slice(origin.indexOf('//') + 2);
}
