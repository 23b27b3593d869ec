import { type Digest, parseDigest } from './digest.ts';
import { RegistryError } from './errors.ts';

/** A tag as checked by {@link parseTag}. */
export type Tag = string & { readonly __brand: 'Tag' };

/** What a manifest is asked for by. A tag never has a colon, a digest always does. */
export type Reference = { tag: Tag } | { digest: Digest };

/** What a tag named at a time: "<tag>@<RFC 3339 time>", an extension of ours that only reads take. */
export interface PastTag {
  pastTag: Tag;
  at: number; // seconds since the epoch
}

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

const PAST_TAG = /^([^@:]+)@(\d{4}-\d.*|[^:]*)$/s;

/** RFC 3339, with the seconds left out or not. */
const TIME =
  /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;

/**
 * Reads a tag at a time, as v1@2026-11-01T00:00Z; null for text of another form.
 *
 * @throws TAG_INVALID when it has the form, and the tag or the time is none
 */
export function parsePastTag(text: string): PastTag | null {
  const [, tag, time] = PAST_TAG.exec(text) ?? [];
  if (tag === undefined || time === undefined) {
    return null;
  }
  const at = parseTime(time);
  if (at === null) {
    throw new RegistryError('TAG_INVALID', 'a tag at a time is as v1@2026-11-01T00:00Z (RFC 3339)');
  }
  return { pastTag: parseTag(tag), at };
}

/** Writes a time (seconds since the epoch) by RFC 3339: whole seconds, in UTC. */
export function formatTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** Reads a time of RFC 3339: seconds since the epoch, rounded down; null for what is none. */
export function parseTime(text: string): number | null {
  const match = TIME.exec(text);
  if (match === null) {
    return null;
  }
  const [, date = '', minutes, seconds = ':00', sign, hoursAhead = '0', minutesAhead = '0'] = match;
  const local = new Date(`${date}T${minutes}${seconds}Z`);
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(date)) {
    return null; // 30 February is not 2 March
  }
  const ahead = (Number(hoursAhead) * 60 + Number(minutesAhead)) * 60; // seconds
  return local.getTime() / 1000 + (sign === '-' ? ahead : -ahead);
}

/**
 * Reads a tag or a digest.
 *
 * @throws DIGEST_INVALID for text with a colon that is no digest
 * @throws TAG_INVALID for other text that is no tag
 */
export function parseReference(text: string): Reference {
  if (PAST_TAG.test(text)) {
    throw new RegistryError('TAG_INVALID', 'what a tag named at a time can only be read');
  }
  return text.includes(':') ? { digest: parseDigest(text) } : { tag: parseTag(text) };
}
