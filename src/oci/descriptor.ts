import type { Digest } from './digest.ts';
import { RegistryError } from './errors.ts';

/** RFC 6838 section 4.2: at most 127 characters on either side of the slash. */
const MAX_MEDIA_TYPE_LENGTH = 255;

/** Of each part of a platform. What is longer is of no platform that there is. */
const MAX_PLATFORM_LENGTH = 64;

/** image-spec v1.1.1 descriptor.md: the properties that a registry acts on. */
export interface Descriptor<D = Digest> {
  mediaType: string;
  digest: D;
  size: number; // bytes
  urls?: readonly string[];
  platform?: string; // as "linux/arm64" or "linux/arm/v7"; each part cut after 64 characters
}

/**
 * Reads a descriptor out of a manifest's JSON. `where` names it in the message ("layers[2]"), and
 * `isRight` says which digests will do.
 *
 * @throws MANIFEST_INVALID
 */
export function parseDescriptor<D extends string>(
  value: unknown,
  where: string,
  isRight: (text: string) => text is D,
): Descriptor<D> {
  if (!isObject(value)) {
    throw new RegistryError('MANIFEST_INVALID', `${where} is not a descriptor`);
  }
  const { mediaType, digest, size, urls, platform } = value;
  if (typeof mediaType !== 'string' || !isMediaTypeLike(mediaType)) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.mediaType is not a media type`);
  }
  if (typeof digest !== 'string' || !isRight(digest)) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.digest is not a valid digest`);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.size is not a whole number of bytes`);
  }
  const descriptor: Descriptor<D> = { mediaType, digest, size };
  const name = platformName(platform);
  if (name !== null) {
    descriptor.platform = name;
  }
  if (urls === undefined || urls === null) {
    return descriptor;
  }
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === 'string')) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.urls is not a list of strings`);
  }
  return { ...descriptor, urls };
}

/** image-spec v1.1.1 image-index.md, "platform"; null for what names none. */
function platformName(value: unknown): string | null {
  const { os, architecture, variant } = isObject(value) ? value : {};
  const parts = [os, architecture, variant].flatMap((part) =>
    typeof part === 'string' && part !== ''
      ? [part.slice(0, MAX_PLATFORM_LENGTH).toWellFormed()]
      : [],
  );
  return parts.length < 2 ? null : parts.join('/');
}

/**
 * True for text that can be stored as a media type, and restored: no control characters, no half of a
 * pair of surrogates. Its form is left to clients, who invent some.
 */
export function isMediaTypeLike(text: string): boolean {
  return text.length <= MAX_MEDIA_TYPE_LENGTH && /^[^\p{Cc}\p{Cs}]+$/u.test(text);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
