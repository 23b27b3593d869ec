import { z } from 'zod';
import {
  cancelTransfer,
  getTransfer,
  listTransfers,
  startTransfer,
} from '../accounts/transfers.ts';
import { isTag } from '../oci/reference.ts';
import { isRepositoryName } from '../oci/repository-name.ts';
import type { TransferRecord } from '../storage/metadata/transfers.ts';
import {
  next,
  nextOf,
  numberedPageQuery,
  tagGlobs,
  timestamp,
  toTimestamp,
  toTimestampOrNull,
} from './fields.ts';
import { type Route, route } from './route.ts';

const PATH = '/api/v1/transfers';

const repository = z
  .string()
  .max(255)
  .refine((name) => isRepositoryName(name), 'not a repository name');

const tag = z
  .string()
  .max(128)
  .refine((name) => isTag(name), 'not a tag')
  .nullable();

const settings = {
  from: repository.describe('a repository of a mirror, as "old.example.com/team/app"'),
  to: repository.describe('of our own'),
  all: z
    .boolean()
    .default(false)
    .describe('every repository below "from", where the registry lists them; below "to"'),
  tag: tag.default(null).describe('this one alone'),
  toTag: tag.default(null).describe('what that is called here; null for the same'),
  tags: tagGlobs.default([]).describe('globs of tags; none for all'),
  exclude: tagGlobs.default([]).describe('globs of those that stay behind'),
  referrers: z.boolean().default(true).describe('signatures, SBOMs and the like too'),
};

const bodySchema = z
  .strictObject(settings)
  .refine(({ tag, toTag }) => toTag === null || tag !== null, {
    path: ['toTag'],
    message: 'only one tag can have another name: name it in "tag"',
  })
  .refine(({ tag, all, tags }) => tag === null || !(all || tags.length > 0), {
    path: ['tag'],
    message: 'either one tag, or "all" and patterns',
  });

const transferSchema = z.strictObject({
  id: z.string(),
  principal: z.string().describe('who started it, and in whose name it pushes'),
  ...settings,
  state: z
    .enum(['running', 'done', 'failed', 'canceled'])
    .describe('failed: it went through, and something could not be copied'),
  repositories: z.int(),
  copied: z.int().describe('tags'),
  present: z.int().describe('tags that named the same before'),
  failed: z.int().describe('tags, and repositories whose tags could not be listed'),
  waiting: z.int().describe('tags, and lists that are not read to their end'),
  bytes: z.int().describe('of content that was copied'),
  pausedUntil: timestamp.nullable(),
  pausedBecause: z.string().nullable(),
  failures: z
    .array(
      z.strictObject({ repository: z.string(), tag: z.string().nullable(), reason: z.string() }),
    )
    .describe('the first 100'),
  createdAt: timestamp,
  updatedAt: timestamp,
  finishedAt: timestamp.nullable(),
});

/** Copies from mirrored registries. */
export const TRANSFER_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: PATH,
    summary: 'Start to copy repositories from a mirrored registry into own ones',
    permission: 'caller',
    body: bodySchema,
    query: null,
    status: 201,
    answer: transferSchema,
    handle: async ({ context, identity, body }) => {
      const { from, to, all, referrers, ...rest } = body;
      const options = { ...rest, isPrefix: all, withReferrers: referrers };
      const visit = { context, identity, origin: context.origin };
      const asked = { source: from, target: to, options } as Parameters<typeof startTransfer>[1];
      return toJson(await startTransfer(visit, asked, context.startTransfer));
    },
  }),
  route({
    method: 'GET',
    path: PATH,
    summary: 'List copies, the newest first: your own, or all for administrators',
    permission: 'caller',
    body: null,
    query: numberedPageQuery,
    status: 200,
    answer: z.strictObject({ transfers: z.array(transferSchema), next }),
    handle: async ({ context, identity, query }) => {
      const page = await listTransfers(context, identity, query);
      return { transfers: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'GET',
    path: `${PATH}/:transfer`,
    summary: 'Show how far a copy is',
    permission: 'caller',
    body: null,
    query: null,
    status: 200,
    answer: transferSchema,
    handle: async ({ context, identity, params }) =>
      toJson(await getTransfer(context, identity, params.transfer)),
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/:transfer`,
    summary: 'Cancel a copy; what was copied stays',
    permission: 'caller',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, identity, params }) => cancelTransfer(context, identity, params.transfer),
  }),
];

function toJson(transfer: TransferRecord): z.input<typeof transferSchema> {
  const { id, principal, source, target, state, options, progress } = transfer;
  const { isPrefix, withReferrers, tag, toTag, tags, exclude } = options;
  const { pausedUntil, failures, ...counts } = progress;
  return {
    id,
    principal,
    from: source,
    to: target,
    all: isPrefix,
    tag,
    toTag,
    tags: [...tags],
    exclude: [...exclude],
    referrers: withReferrers,
    state,
    ...counts,
    pausedUntil: toTimestampOrNull(pausedUntil),
    failures: [...failures],
    createdAt: toTimestamp(transfer.createdAt),
    updatedAt: toTimestamp(transfer.updatedAt),
    finishedAt: toTimestampOrNull(transfer.finishedAt),
  };
}
