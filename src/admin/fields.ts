/** The fields that the schemas of several rows share. */
import { z } from 'zod';
import { DEFAULT_DAYS } from '../accounts/lifetime.ts';
import {
  ACCOUNT_NAME,
  MAX_NAME_LENGTH,
  MAX_NAMESPACE_LENGTH,
  MIN_NAME_LENGTH,
  NAMESPACE_NAME,
} from '../accounts/names.ts';
import type { Grant } from '../auth/identity.ts';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../auth/passwords.ts';
import { ACTIONS, ROLES, type Role } from '../auth/roles.ts';
import { formatTime, parseTime } from '../oci/reference.ts';

const MAX_TEXT = 255;
const MAX_DAYS = 3650;
const MAX_STARS = 16;
const MAX_PAGE = 1000;

export const accountName = z.string().min(MIN_NAME_LENGTH).max(MAX_NAME_LENGTH).regex(ACCOUNT_NAME);

export const namespaceName = z.string().max(MAX_NAMESPACE_LENGTH).regex(NAMESPACE_NAME);

export const password = z.string().min(MIN_PASSWORD_LENGTH).max(MAX_PASSWORD_LENGTH);

/** For people to read: no control characters, which could steer a terminal. */
export const text = z
  .string()
  .max(MAX_TEXT)
  .regex(/^\P{C}*$/u);

export const principal = text.min(1);

export const action = z.enum(ACTIONS);

export const role = z.enum(Object.keys(ROLES) as [Role, ...Role[]]);

/** `*` is any text without a slash, `**` any text. */
export const repositoryGlob = z
  .string()
  .min(1)
  .max(MAX_TEXT)
  .regex(/^(?!.*\*{3})[a-z0-9._*/-]+$/)
  .refine((glob) => glob.split('*').length <= MAX_STARS + 1, `at most ${MAX_STARS} stars`);

/** D1 takes no longer pattern: https://developers.cloudflare.com/d1/platform/limits/ */
const MAX_TAG_GLOB = 50;

const MAX_TAG_GLOBS = 16;

/** Patterns of tags, in which `*` is any text. */
export const tagGlobs = z
  .array(
    z
      .string()
      .min(1, 'a tag pattern cannot be empty')
      .max(MAX_TAG_GLOB, `a tag pattern may have ${MAX_TAG_GLOB} characters`)
      .regex(/^[A-Za-z0-9_.*-]+$/, 'a tag pattern has the characters of tags, and * for any text'),
  )
  .max(MAX_TAG_GLOBS, `at most ${MAX_TAG_GLOBS} tag patterns`);

/** Actions on the repositories whose whole name matches. */
export const grants = z
  .array(
    z.strictObject({
      repositories: repositoryGlob,
      actions: z.array(action).min(1).max(ACTIONS.length),
    }),
  )
  .min(1)
  .max(32);

/** For a change by field: one that changes nothing is a mistake. */
export function atLeastOne<Shape extends z.ZodRawShape>(shape: Shape) {
  return z
    .strictObject(shape)
    .refine((given) => Object.keys(given).length > 0, 'at least one field is needed')
    .meta({ minProperties: 1 });
}

/** Writes grants, which came through the same schema. */
export function toGrants(given: readonly Grant[]): z.input<typeof grants> {
  return given.map(({ repositories, actions }) => ({ repositories, actions: [...actions] }));
}

/** Null is never. */
export const expiresInDays = z.int().min(1).max(MAX_DAYS).nullable().default(DEFAULT_DAYS);

/** A number in a query. */
export const digits = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

export const limit = digits.pipe(z.int().min(1).max(MAX_PAGE)).default(MAX_PAGE);

/** The query of a list. */
export const pageQuery = z.strictObject({
  after: z
    .string()
    .max(MAX_TEXT * 2)
    .default(''),
  limit,
});

/** The query of a list whose key is a number. */
export const numberedPageQuery = z.strictObject({
  after: digits.pipe(z.int()).default(0),
  limit,
});

/** The key to ask for the next page with; it is not there on the last. */
export const next = z.string().optional();

/** RFC 3339, in UTC. */
export const timestamp = z.iso.datetime();

/** Writes a time that is seconds since the epoch. */
export function toTimestamp(seconds: number): string {
  return formatTime(seconds);
}

/** Writes a time that may be never, or not yet. */
export function toTimestampOrNull(seconds: number | null): string | null {
  return seconds === null ? null : toTimestamp(seconds);
}

/** A time that somebody asks for: RFC 3339, with the seconds left out or not. */
export const time = z
  .string()
  .max(MAX_TEXT)
  .refine((text) => parseTime(text) !== null, 'a time is as 2026-11-01T00:00Z (RFC 3339)');

/** Reads it: seconds since the epoch. */
export function toSeconds(text: string): number {
  return parseTime(text) ?? 0; // the schema has refused what is none
}

/** What came back of what was deleted. */
export const restored = z.strictObject({
  digest: z.string(),
  manifests: z.array(z.string()).describe('that were deleted'),
  tags: z.array(z.string()),
});

/** What the last field of a list says: nothing on the last page. */
export function nextOf(page: { next: string | null }): { next?: string } {
  return page.next === null ? {} : { next: page.next };
}
