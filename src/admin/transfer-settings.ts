/** What of a transfer people set: for transfers, and for replications. */
import { z } from 'zod';
import { isTag, type Tag } from '../oci/reference.ts';
import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { TransferOptions } from '../storage/metadata/transfers.ts';
import { tagGlobs } from './fields.ts';

const repository = z
  .string()
  .max(255)
  .refine((name) => isRepositoryName(name), 'not a repository name');

const tag = z
  .string()
  .max(128)
  .refine((name) => isTag(name), 'not a tag')
  .nullable();

export const transferSettings = {
  from: repository.describe(
    'a repository of a mirror, as "old.example.com/team/app", or of our own',
  ),
  to: repository.describe('of our own, or of a mirror: then it is pushed to that registry'),
  all: z
    .boolean()
    .default(false)
    .describe('every repository below "from", where the registry lists them; below "to"'),
  tag: tag.default(null).describe('this one alone'),
  toTag: tag.default(null).describe('what that is called in "to"; null for the same'),
  tags: tagGlobs.default([]).describe('globs of tags; none for all'),
  exclude: tagGlobs.default([]).describe('globs of those that stay behind'),
  referrers: z.boolean().default(true).describe('signatures, SBOMs and the like too'),
};

/** Makes a body of the settings, and more. */
export function transferBodyWith<Shape extends z.ZodRawShape>(more: Shape) {
  return z
    .strictObject({ ...transferSettings, ...more })
    .refine((body) => (body as Settings).toTag === null || (body as Settings).tag !== null, {
      path: ['toTag'],
      message: 'only one tag can have another name: name it in "tag"',
    })
    .refine(
      (body) => {
        const { tag, all, tags } = body as Settings;
        return tag === null || !(all || tags.length > 0);
      },
      { path: ['tag'], message: 'either one tag, or "all" and patterns' },
    );
}

export const transferBody = transferBodyWith({});

type Settings = z.output<z.ZodObject<typeof transferSettings>>;

/** What a body asks for; its schema has checked the names. */
export function toAsked({ from, to, all, referrers, tag, toTag, tags, exclude }: Settings) {
  return {
    between: { source: from as RepositoryName, target: to as RepositoryName },
    options: {
      isPrefix: all,
      tag: tag as Tag | null,
      toTag: toTag as Tag | null,
      tags,
      exclude,
      withReferrers: referrers,
    },
  };
}

/** Writes them as they were asked for. */
export function toSettings({
  source,
  target,
  options,
}: {
  source: RepositoryName;
  target: RepositoryName;
  options: TransferOptions;
}) {
  const { isPrefix, withReferrers, tag, toTag, tags, exclude } = options;
  return {
    from: source,
    to: target,
    all: isPrefix,
    tag,
    toTag,
    tags: [...tags],
    exclude: [...exclude],
    referrers: withReferrers,
  };
}
