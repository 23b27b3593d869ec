import { z } from 'zod';
import {
  getUpstream,
  getUpstreamState,
  listUpstreams,
  removeUpstream,
  setUpstream,
  type Upstream,
  type UpstreamState,
} from '../accounts/upstreams.ts';
import { repositoryGlob, text, timestamp, toTimestamp } from './fields.ts';
import { type Route, route } from './route.ts';

const PATH = '/api/v1/upstreams/:namespace';

const MAX_SECONDS = 30 * 24 * 60 * 60;
const MAX_URL = 255;
const MAX_PASSWORD = 4096;
const MAX_GLOBS = 100;
const MAX_PLATFORMS = 50;

const seconds = z.int().min(0).max(MAX_SECONDS);

/** What is set of a mirror, but for its password. */
export const upstreamSettings = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(MAX_URL)
    .describe('scheme and host of the registry'),
  username: text
    .min(1)
    .regex(/^[^:]*$/, 'a user name has no colon')
    .nullable()
    .default(null),
  tokenHost: z
    .string()
    .max(255)
    .regex(/^[a-z0-9.-]+(?::\d{1,5})?$/, 'a host, and a port if it has one of its own')
    .nullable()
    .default(null)
    .describe('where the credentials may go besides: the host of its token server'),
  repositories: z
    .array(repositoryGlob)
    .min(1)
    .max(MAX_GLOBS)
    .default(['**'])
    .describe('globs of what may be fetched'),
  platforms: z
    .array(z.string().regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/))
    .min(1)
    .max(MAX_PLATFORMS)
    .nullable()
    .default(null)
    .describe('as "linux/arm64", with all its variants, or "linux/arm/v7"; null for all'),
  tagMaxAge: seconds.default(300).describe('seconds until a tag is asked for again'),
  missingMaxAge: seconds.default(60).describe('seconds until what was not there is'),
  keepBytes: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe('above that what was not pulled for longest goes; null for all'),
  onMissing: z.enum(['forget', 'keep']).default('forget').describe('when a tag is gone there'),
  onFailure: z
    .enum(['stale', 'fail'])
    .default('stale')
    .describe('when it does not answer, or limits us'),
});

const upstreamSchema = upstreamSettings.extend({ namespace: z.string() });

const statusSchema = z.strictObject({
  pausedUntil: timestamp.nullable().describe('it has had enough of us, and is not asked before'),
  limit: z.int().nullable().describe('requests in its window, as it says'),
  remaining: z.int().nullable().describe('of these'),
  failedAt: timestamp.nullable().describe('when it last said 5xx, or nothing'),
});

/** The registries that are mirrored. */
export const UPSTREAM_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/upstreams',
    summary: 'List the registries that are mirrored',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ upstreams: z.array(upstreamSchema) }),
    handle: async ({ context }) => ({ upstreams: (await listUpstreams(context)).map(toJson) }),
  }),
  route({
    method: 'GET',
    path: PATH,
    summary: 'Show a registry that is mirrored',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: upstreamSchema,
    handle: async ({ context, params }) => toJson(await getUpstream(context, params.namespace)),
  }),
  route({
    method: 'PUT',
    path: PATH,
    summary: 'Make a namespace the mirror of a registry, or change that',
    permission: 'system',
    body: upstreamSettings.extend({
      password: z
        .string()
        .min(1)
        .max(MAX_PASSWORD)
        .regex(/^\P{Cc}*$/u, 'a password has no control characters')
        .nullable()
        .optional()
        .describe('never shown again; left out, it stays as long as the host does'),
      isPublic: z.boolean().default(false).describe('of a namespace that is made for it'),
    }),
    query: null,
    status: 200,
    answer: upstreamSchema,
    handle: async ({ context, params, body }) =>
      toJson(await setUpstream(context, params.namespace, body)),
  }),
  route({
    method: 'GET',
    path: `${PATH}/status`,
    summary: 'Show how the registry that is mirrored answered of late',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: statusSchema,
    handle: async ({ context, params }) =>
      toStatus(await getUpstreamState(context, params.namespace)),
  }),
  route({
    method: 'DELETE',
    path: PATH,
    summary: 'End a mirror; what was fetched stays as the namespace has it',
    permission: 'system',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, params }) => removeUpstream(context, params.namespace),
  }),
];

function toJson({ repositories, platforms, ...upstream }: Upstream) {
  return { ...upstream, repositories: [...repositories], platforms: platforms && [...platforms] };
}

/** Times of the gate are milliseconds since the epoch. */
function toStatus({ pausedUntil, limit, remaining, failedAt }: UpstreamState) {
  const isPaused = pausedUntil > Date.now();
  return {
    pausedUntil: isPaused ? toTimestamp(pausedUntil / 1000) : null,
    limit,
    remaining,
    failedAt: failedAt === null ? null : toTimestamp(failedAt / 1000),
  };
}
