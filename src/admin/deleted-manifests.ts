import { z } from 'zod';
import {
  listDeletedManifests,
  purgeManifest,
  purgeManifests,
} from '../accounts/deleted-manifests.ts';
import { restoreManifest } from '../lifecycle/restore.ts';
import { parseDigest } from '../oci/digest.ts';
import { next, nextOf, pageQuery, restored, timestamp, toTimestamp } from './fields.ts';
import { type Route, route } from './route.ts';

const manifestSchema = z.strictObject({
  digest: z.string(),
  mediaType: z.string(),
  size: z.int().describe('bytes'),
  deletedAt: timestamp,
  restorableUntil: timestamp,
  tags: z.array(z.string()).describe('that named it last, and are deleted'),
});

/** Manifests that were deleted and can be restored. */
export const DELETED_MANIFEST_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/deleted-manifests',
    summary: 'List deleted manifests that can be restored',
    permission: { repository: 'pull' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ manifests: z.array(manifestSchema), next }),
    handle: async ({ context, repository, query }) => {
      const page = await listDeletedManifests(context, repository, query);
      const manifests = page.entries.map((manifest) => ({
        ...manifest,
        deletedAt: toTimestamp(manifest.deletedAt),
        restorableUntil: toTimestamp(manifest.restorableUntil),
        tags: [...manifest.tags],
      }));
      return { manifests, ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/repositories/:repository/deleted-manifests/:digest/restore',
    summary: 'Restore a manifest with what it names, what refers to it and its last tags',
    permission: { repository: 'push' },
    body: z.strictObject({ withTags: z.boolean().default(true) }),
    query: null,
    status: 200,
    answer: restored,
    handle: async ({ context, repository, params, body }) => {
      const place = { stores: context.stores, actor: context.actor, repository };
      const asked = parseDigest(params.digest);
      const { digest, manifests, tags } = await restoreManifest(place, asked, body.withTags);
      return { digest, manifests: [...manifests], tags: [...tags] };
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/repositories/:repository/deleted-manifests/:digest',
    summary: 'Delete a deleted manifest for good',
    permission: { repository: 'delete' },
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, repository, params }) =>
      purgeManifest(context, repository, parseDigest(params.digest)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/repositories/:repository/deleted-manifests',
    summary: 'Delete deleted manifests for good: all, in calls that say whether there are more',
    permission: { repository: 'delete' },
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ purged: z.int(), hasMore: z.boolean() }),
    handle: ({ context, repository }) => purgeManifests(context, repository),
  }),
];
