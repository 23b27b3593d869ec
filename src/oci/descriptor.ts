import { type Digest, isDigest } from './digest.ts';
import { RegistryError } from './errors.ts';

/** image-spec v1.1.1 descriptor.md: the properties that a registry acts on. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number; // bytes
  urls?: readonly string[];
}

/**
 * Reads a descriptor out of a manifest's JSON. `where` names it in the message ("layers[2]").
 *
 * @throws MANIFEST_INVALID
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) {
    throw new RegistryError('MANIFEST_INVALID', `${where} is not a descriptor`);
  }
  const { mediaType, digest, size, urls } = value;
  if (typeof mediaType !== 'string' || mediaType === '') {
    throw new RegistryError('MANIFEST_INVALID', `${where}.mediaType is missing`);
  }
  if (typeof digest !== 'string' || !isDigest(digest)) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.digest is not a sha256 or sha512 digest`);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.size is not a whole number of bytes`);
  }
  if (urls === undefined || urls === null) {
    return { mediaType, digest, size };
  }
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === 'string')) {
    throw new RegistryError('MANIFEST_INVALID', `${where}.urls is not a list of strings`);
  }
  return { mediaType, digest, size, urls };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
