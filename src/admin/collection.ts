import { z } from 'zod';
import { type Collection, collectAll } from '../lifecycle/collect-all.ts';
import { type CollectionPreview, previewCollection } from '../lifecycle/preview.ts';
import { timestamp, toTimestampOrNull } from './fields.ts';
import { type ApiContext, type Route, route } from './route.ts';

const count = z.int().min(0);

const waitingSchema = z.strictObject({
  restorable: z
    .strictObject({ manifests: count, bytes: count, until: timestamp.nullable() })
    .describe('what was deleted and can be had back, and the bytes that nothing else needs'),
  trash: z
    .strictObject({ objects: count, bytes: count, until: timestamp.nullable() })
    .describe('objects of R2 that nobody can have back; bytes as far as they are known'),
  queue: z
    .strictObject({ manifests: count, blobs: count, nextReview: timestamp.nullable() })
    .describe('what was let go of and is looked at when its time has come'),
});

const collectionSchema = z.strictObject({
  dryRun: z.boolean(),
  repositories: count.describe('deleted ones whose time to be restored was over, with all of it'),
  manifests: count.describe('that nothing held; they can be restored'),
  expired: count.describe('deleted manifests whose time to be restored was over'),
  links: count.describe('blobs that repositories do not see any more'),
  blobs: count.describe(
    'that nothing held: they lie in the trash for a day; a dry run leaves those of repositories out',
  ),
  bytes: count.describe('of those blobs'),
  objects: count.describe('deleted from R2, out of the trash'),
  isDone: z.boolean().describe('false when there is more to do than one run does'),
  waiting: waitingSchema.optional().describe('of a dry run'),
});

/** The collector, which runs every quarter of an hour by itself. */
export const COLLECTION_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/collection',
    summary: 'Collect what nothing holds, or say what the next run would collect',
    permission: 'system',
    body: z.strictObject({ dryRun: z.boolean().default(false) }),
    query: null,
    status: 200,
    answer: collectionSchema,
    handle: async ({ context, body: { dryRun } }) =>
      dryRun
        ? { dryRun, ...toAnswer(await previewCollection(context.stores)) }
        : { dryRun, ...(await collectNow(context)) },
  }),
];

/** Runs the collector, whose own entries say what went; this one says who asked for it. */
async function collectNow({ stores, metadata, actor }: ApiContext): Promise<Collection> {
  const collection = await collectAll(stores);
  await metadata.audit.add(actor, { event: 'collection.run', after: JSON.stringify(collection) });
  return collection;
}

function toAnswer({ waiting, ...collection }: CollectionPreview) {
  return {
    ...collection,
    waiting: {
      restorable: {
        manifests: waiting.restorableManifests,
        bytes: waiting.restorableBytes,
        until: toTimestampOrNull(waiting.restorableUntil),
      },
      trash: {
        objects: waiting.trashedObjects,
        bytes: waiting.trashedBytes,
        until: toTimestampOrNull(waiting.trashedUntil),
      },
      queue: {
        manifests: waiting.queuedManifests,
        blobs: waiting.queuedBlobs,
        nextReview: toTimestampOrNull(waiting.nextReview),
      },
    },
  };
}
