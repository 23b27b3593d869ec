import { z } from 'zod';
import { findTagAt, listDeletedTags, listTagHistory } from '../accounts/tag-history.ts';
import { restoreTag, type TagAim } from '../lifecycle/restore.ts';
import { parseDigest } from '../oci/digest.ts';
import { parseTag } from '../oci/reference.ts';
import type { TagChange } from '../storage/metadata/tag-history.ts';
import {
  next,
  nextOf,
  numberedPageQuery,
  pageQuery,
  restored,
  time,
  timestamp,
  toSeconds,
  toTimestamp,
} from './fields.ts';
import { type Route, route } from './route.ts';
import { toWhereabouts, whereabouts } from './whereabouts.ts';

const changeSchema = z.strictObject({
  at: timestamp,
  digest: z.string().nullable().describe('what it names from then on; null: it was deleted'),
  previous: z.string().nullable().describe('what it named until then; null: nothing'),
  principal: z.string().nullable().describe('who did it, for those who may push to the repository'),
  ...whereabouts,
  manifest: whereabouts.manifest.nullable().describe('of the digest'),
});

const deletedTagSchema = z.strictObject({
  name: z.string(),
  digest: z.string().describe('what it named last'),
  deletedAt: timestamp,
  principal: z
    .string()
    .nullable()
    .describe('who deleted it, for those who may push to the repository'),
  ...whereabouts,
});

/** What tags named. A repository is one component: its slashes are written as %2F. */
export const TAG_HISTORY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/tags/:tag/history',
    summary: 'Show every move and deletion of a tag, the newest first',
    permission: { repository: 'pull' },
    body: null,
    query: numberedPageQuery,
    status: 200,
    answer: z.strictObject({ changes: z.array(changeSchema), next }),
    handle: async ({ context, identity, repository, params, query }) => {
      const page = await listTagHistory(
        { context, identity, repository },
        parseTag(params.tag),
        query.after,
        query.limit,
      );
      return { changes: page.entries.map(toChange), ...nextOf(page) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/tags/:tag',
    summary: 'Show what a tag names, or named at a time',
    permission: { repository: 'pull' },
    body: null,
    query: z.strictObject({ at: time.optional() }),
    status: 200,
    answer: changeSchema,
    handle: async ({ context, identity, repository, params, query }) =>
      toChange(
        await findTagAt(
          { context, identity, repository },
          parseTag(params.tag),
          query.at === undefined ? undefined : toSeconds(query.at),
        ),
      ),
  }),
  route({
    method: 'POST',
    path: '/api/v1/repositories/:repository/tags/:tag/restore',
    summary:
      'Point a tag at what it named before its last change, at a time, or at a digest that it has ' +
      'named; a deleted manifest is restored',
    permission: { repository: 'push' },
    body: z
      .strictObject({ at: time.optional(), digest: z.string().max(255).optional() })
      .refine(
        ({ at, digest }) => at === undefined || digest === undefined,
        'at or digest, not both',
      ),
    query: null,
    status: 200,
    answer: restored,
    handle: async ({ context, repository, params, body }) => {
      const place = { stores: context.stores, actor: context.actor, repository };
      const { digest, manifests, tags } = await restoreTag(
        place,
        parseTag(params.tag),
        toAim(body),
      );
      return { digest, manifests: [...manifests], tags: [...tags] };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/deleted-tags',
    summary: 'List deleted tags, and what they named last',
    permission: { repository: 'pull' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ tags: z.array(deletedTagSchema), next }),
    handle: async ({ context, identity, repository, query }) => {
      const page = await listDeletedTags({ context, identity, repository }, query);
      const tags = page.entries.map(
        ({ deletedAt, principal, isThere, restorableUntil, ...tag }) => ({
          ...tag,
          deletedAt: toTimestamp(deletedAt),
          principal: principal || null,
          ...toWhereabouts({ isThere, restorableUntil }),
        }),
      );
      return { tags, ...nextOf(page) };
    },
  }),
];

function toAim({ at, digest }: { at?: string | undefined; digest?: string | undefined }): TagAim {
  if (digest !== undefined) {
    return { digest: parseDigest(digest) };
  }
  return at === undefined ? 'previous' : { at: toSeconds(at) };
}

function toChange(change: TagChange): z.input<typeof changeSchema> {
  const { digest, previous, principal } = change;
  const { manifest, restorableUntil } = toWhereabouts(change);
  return {
    at: toTimestamp(change.at),
    digest,
    previous,
    principal: principal || null,
    manifest: digest === null ? null : manifest,
    restorableUntil,
  };
}
