import type { Digest } from '../oci/digest.ts';

/** The entity tag of content: its digest in quotes (RFC 9110 section 8.8.3). */
export function entityTag(digest: Digest): string {
  return `"${digest}"`;
}

/** A precondition on what a name points to: one of these digests, or anything at all ("*"). */
export interface Precondition {
  mustMatch: boolean;
  digests: readonly string[] | '*';
}

/**
 * Reads If-Match and If-None-Match (RFC 9110 section 13.1). Entity tags are digests; weak ones and
 * ones without quotes are accepted, as distribution does.
 */
export function parsePreconditions(headers: Headers): Precondition[] {
  const names = [
    ['If-Match', true],
    ['If-None-Match', false],
  ] as const;
  return names.flatMap(([name, mustMatch]) => {
    const value = headers.get(name);
    return value === null ? [] : [{ mustMatch, digests: parseEntityTags(value) }];
  });
}

/** True when the request already holds this content, so that 304 is the answer. */
export function isNotModified(headers: Headers, digest: Digest): boolean {
  const value = headers.get('If-None-Match');
  if (value === null) {
    return false;
  }
  const digests = parseEntityTags(value);
  return digests === '*' || digests.includes(digest);
}

function parseEntityTags(value: string): string[] | '*' {
  if (value.trim() === '*') {
    return '*';
  }
  return value.split(',').map((tag) =>
    tag
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1'),
  );
}
