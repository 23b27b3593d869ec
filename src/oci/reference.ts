import { type Digest, parseDigest } from './digest.ts';
import { RegistryError } from './errors.ts';

/** A tag as checked by {@link parseTag}. */
export type Tag = string & { readonly __brand: 'Tag' };

/** What a manifest is asked for by. A tag never has a colon, a digest always does. */
export type Reference = { tag: Tag } | { digest: Digest };

/** distribution-spec v1.1.1 "Pulling manifests". */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/**
 * Reads a tag.
 *
 * @throws TAG_INVALID
 */
export function parseTag(text: string): Tag {
  if (!isTag(text)) {
    throw new RegistryError(
      'TAG_INVALID',
      'a tag has 1 to 128 characters of A-Z a-z 0-9 _ . - and starts with none of . -',
    );
  }
  return text;
}

export function isTag(text: string): text is Tag {
  return TAG.test(text);
}

/**
 * Reads a tag or a digest.
 *
 * @throws DIGEST_INVALID for text with a colon that is no digest
 * @throws TAG_INVALID for other text that is no tag
 */
export function parseReference(text: string): Reference {
  return text.includes(':') ? { digest: parseDigest(text) } : { tag: parseTag(text) };
}
