import { RegistryError } from '../oci/errors.ts';

/** What an upstream said of how much it lets us ask. */
export interface Limits {
  limit: number | null; // requests in its window
  remaining: number | null;
  retryAfter: number | null; // seconds
}

/**
 * Reads `ratelimit-limit: 100;w=21600`, `ratelimit-remaining` and Retry-After, in seconds or as a date.
 * https://docs.docker.com/docker-hub/usage/pulls/, RFC 9110 section 10.2.3
 */
export function parseLimits(headers: Headers, now: number): Limits {
  return {
    limit: wholeNumber(headers.get('ratelimit-limit')),
    remaining: wholeNumber(headers.get('ratelimit-remaining')),
    retryAfter: retryAfter(headers.get('retry-after'), now),
  };
}

/** @param seconds until the upstream is asked again */
export function limited(seconds: number): RegistryError {
  return new RegistryError(
    'UPSTREAM_LIMITED',
    `the upstream registry lets us ask no more for ${seconds} seconds`,
    { headers: { 'Retry-After': String(seconds) } },
  );
}

function retryAfter(text: string | null, now: number): number | null {
  if (text === null || wholeNumber(text) !== null) {
    return wholeNumber(text);
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

function wholeNumber(text: string | null): number | null {
  const [, digits] = /^\s*(\d{1,9})\s*(?:;|$)/.exec(text ?? '') ?? [];
  return digits === undefined ? null : Number(digits);
}
