import { z } from 'zod';
import { listManifests, listTags } from '../accounts/inventory.ts';
import { next, nextOf, pageQuery, timestamp, toTimestamp, toTimestampOrNull } from './fields.ts';
import { type Route, route } from './route.ts';

const common = {
  digest: z.string(),
  mediaType: z.string(),
  size: z.int().describe('bytes of the manifest, its children and the blobs that they name'),
  pushedAt: timestamp,
  pulls: z.int().describe('how often it was pulled; may lack the last half minute'),
  lastPulledAt: timestamp.nullable().describe('of a tag: by its name'),
};

const tagSchema = z.strictObject({ name: z.string(), ...common });

const manifestSchema = z.strictObject({
  ...common,
  artifactType: z.string().nullable(),
  subject: z.string().nullable(),
  tags: z.int().describe('how many name it'),
});

/** What a repository holds. It is one component of the path: its slashes are written as %2F. */
export const TAG_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/tags',
    summary: 'List the tags of a repository, and how often each was pulled',
    permission: { repository: 'pull' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ tags: z.array(tagSchema), next }),
    handle: async ({ context, repository, query }) => {
      const page = await listTags(context, repository, query);
      return { tags: page.entries.map(withTimes), ...nextOf(page) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/manifests',
    summary: 'List the manifests of a repository, and how often each was pulled',
    permission: { repository: 'pull' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ manifests: z.array(manifestSchema), next }),
    handle: async ({ context, repository, query }) => {
      const page = await listManifests(context, repository, query);
      return { manifests: page.entries.map(withTimes), ...nextOf(page) };
    },
  }),
];

/** Writes the times of an entry. */
function withTimes<Entry extends { pushedAt: number; lastPulledAt: number | null }>(entry: Entry) {
  const { pushedAt, lastPulledAt, ...rest } = entry;
  return {
    ...rest,
    pushedAt: toTimestamp(pushedAt),
    lastPulledAt: toTimestampOrNull(lastPulledAt),
  };
}
