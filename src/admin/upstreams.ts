import { z } from 'zod';
import {
  getUpstream,
  listUpstreams,
  removeUpstream,
  setUpstream,
  type Upstream,
} from '../accounts/upstreams.ts';
import { namespaceName, text } from './fields.ts';
import { type Route, route } from './route.ts';

const PATH = '/api/v1/upstreams/:namespace';

const MAX_SECONDS = 30 * 24 * 60 * 60;
const MAX_GLOBS = 100;
const MAX_PLATFORMS = 50;

const seconds = z.int().min(0).max(MAX_SECONDS);

const settings = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('scheme and host of the registry'),
  username: text.nullable().default(null),
  tokenHost: z
    .string()
    .max(255)
    .nullable()
    .default(null)
    .describe('where the credentials may go besides: the host of its token server'),
  repositories: z
    .array(z.string().min(1).max(255))
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
    .describe('as "linux/amd64"; null for all'),
  tagMaxAge: seconds.default(300).describe('seconds until a tag is asked for again'),
  missingMaxAge: seconds.default(60).describe('seconds until what was not there is'),
  onMissing: z.enum(['forget', 'keep']).default('forget').describe('when a tag is gone there'),
  onFailure: z
    .enum(['stale', 'fail'])
    .default('stale')
    .describe('when it does not answer, or limits us'),
});

const upstreamSchema = settings.extend({ namespace: z.string() });

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
    body: settings.extend({
      password: z
        .string()
        .min(1)
        .max(4096)
        .nullable()
        .optional()
        .describe('never shown again; left out, it stays as long as the host does'),
      isPublic: z.boolean().default(false).describe('of a namespace that is made for it'),
    }),
    query: null,
    status: 200,
    answer: upstreamSchema,
    handle: async ({ context, params, body }) => {
      const namespace = namespaceName.parse(params.namespace);
      return toJson(await setUpstream(context, context.upstreams, namespace, body));
    },
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
