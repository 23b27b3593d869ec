import type { ByteRange } from '../oci/byte-range.ts';
import { RegistryError } from '../oci/errors.ts';

/**
 * The part that a `Range` header asks for, of content of `size` bytes, or null for the whole.
 *
 * One range is served; several ranges and units other than bytes are ignored, which RFC 9110
 * section 14.2 allows. An end past the content is clamped.
 *
 * @throws RANGE_INVALID for a range that the content does not satisfy, and for one that ends
 *   before it begins: the conformance suite wants 416 where RFC 9110 would let it be ignored
 */
export function parseRange(header: string | null, size: number): ByteRange | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '');
  if (match === null || match[0] === 'bytes=-') {
    return null;
  }
  const [, start = '', end = ''] = match;
  const range =
    start === ''
      ? { first: Math.max(0, size - Number(end)), last: size - 1 }
      : { first: Number(start), last: Math.min(end === '' ? size : Number(end), size - 1) };
  if (range.first > range.last) {
    throw new RegistryError('RANGE_INVALID', `the blob has ${size} bytes`, {
      headers: { 'Content-Range': `bytes */${size}` },
    });
  }
  return range;
}

/** The Content-Range header of a 206 (RFC 9110 section 14.4). */
export function formatContentRange(range: ByteRange, size: number): string {
  return `bytes ${range.first}-${range.last}/${size}`;
}

/**
 * The range that a chunk of an upload claims, or null when it claims none and is to be appended.
 * Form: `<start>-<end>` (distribution-spec v1.1.1 "Pushing a blob in chunks"); the HTTP form
 * `bytes <start>-<end>/<total>` is understood too.
 *
 * @throws RANGE_INVALID
 */
export function parseChunkRange(header: string | null): ByteRange | null {
  if (header === null) {
    return null;
  }
  const match = /^(?:bytes )?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header.trim());
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) };
  if (!Number.isSafeInteger(range.first) || !Number.isSafeInteger(range.last)) {
    throw new RegistryError('RANGE_INVALID', 'Content-Range must be <first byte>-<last byte>');
  }
  if (range.first > range.last) {
    throw new RegistryError('RANGE_INVALID', 'Content-Range ends before it begins');
  }
  return range;
}

/**
 * The Range header of an upload with `offset` bytes. The spec has no form for none; "0-0" is what
 * distribution sends and every client accepts.
 */
export function formatUploadRange(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`;
}
