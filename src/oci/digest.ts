import { createHash } from 'node:crypto';
import { RegistryError } from './errors.ts';

/** "<algorithm>:<encoded>" as checked by {@link parseDigest}. */
export type Digest = string & { readonly __brand: 'Digest' };

/** The algorithms this registry verifies, with the length of their lower-case hex form. */
const HEX_LENGTH = { sha256: 64, sha512: 128 } as const;

export type DigestAlgorithm = keyof typeof HEX_LENGTH;

/** What is used when the client does not say: image-spec v1.1.1 descriptor.md "SHA-256". */
export const CANONICAL_ALGORITHM: DigestAlgorithm = 'sha256';

/**
 * Reads a digest (image-spec v1.1.1 descriptor.md "Digests").
 *
 * @throws DIGEST_INVALID for anything but lower-case hex of the right length under sha256 or sha512
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new RegistryError(
      'DIGEST_INVALID',
      'a digest is sha256:<64 lower-case hex digits> or sha512:<128 lower-case hex digits>',
    );
  }
  return text;
}

/** True for text that {@link parseDigest} takes. */
export function isDigest(text: string): text is Digest {
  return hasForm(text, HEX_LENGTH);
}

function hasForm(text: string, hexLengths: Readonly<Record<string, number>>): boolean {
  const separator = text.indexOf(':');
  const algorithm = text.slice(0, separator);
  const encoded = text.slice(separator + 1);
  return (
    Object.hasOwn(hexLengths, algorithm) &&
    encoded.length === hexLengths[algorithm] &&
    /^[0-9a-f]*$/.test(encoded)
  );
}

/**
 * Reads the name of a digest algorithm, as in `?digest-algorithm=`.
 *
 * @throws DIGEST_INVALID when this registry cannot verify it
 */
export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  if (!isDigestAlgorithm(text)) {
    throw new RegistryError('DIGEST_INVALID', 'supported digest algorithms: sha256, sha512');
  }
  return text;
}

/** Registered algorithms that this registry does not verify (image-spec main descriptor.md). */
const FOREIGN_HEX_LENGTH = { sha384: 96, blake3: 64 } as const;

/** A digest of content that the registry need not hold: the subject of a manifest. */
export type SubjectDigest = string & { readonly __brand: 'Digest' | 'SubjectDigest' };

/**
 * Reads the digest of a subject, which may have any registered algorithm.
 *
 * @throws DIGEST_INVALID
 */
export function parseSubjectDigest(text: string): SubjectDigest {
  if (!isSubjectDigest(text)) {
    throw new RegistryError('DIGEST_INVALID', 'a digest is <algorithm>:<lower-case hex digits>');
  }
  return text;
}

/** True for text that {@link parseSubjectDigest} takes. */
export function isSubjectDigest(text: string): text is SubjectDigest {
  return isDigest(text) || hasForm(text, FOREIGN_HEX_LENGTH);
}

function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTH, text);
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm;
}

/** The part after the colon: lower-case hex. */
export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}
