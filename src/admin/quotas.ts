import { z } from 'zod';
import { listUsage, recount, setQuota } from '../accounts/quotas.ts';
import { atLeastOne, digits, next, nextOf, pageQuery } from './fields.ts';
import { type Route, route } from './route.ts';
import { usageSchema } from './usage.ts';

/** The size of a repository is added up of all its content, so a page has fewer than others. */
const MAX_PAGE = 100;

const quota = z.int().min(0).nullable();

export const warningPercent = z.int().min(1).max(100);

const totals = z.strictObject({ bytes: z.int(), repositories: z.int() });

/** Quotas of namespaces. Their usage is part of what is shown of a namespace. */
export const QUOTA_ROUTES: readonly Route[] = [
  route({
    method: 'PATCH',
    path: '/api/v1/namespaces/:namespace/quota',
    summary: 'Set how much a namespace may have; null is as much as it likes',
    permission: 'system',
    body: atLeastOne({
      bytes: quota.optional(),
      repositories: quota.optional(),
      warningPercent: warningPercent.optional(),
    }),
    query: null,
    status: 200,
    answer: usageSchema,
    handle: ({ context, identity, params, body }) =>
      setQuota(context, identity, params.namespace, body),
  }),
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/usage',
    summary: 'List the repositories of a namespace with their size, each content once',
    permission: { namespace: 'settings' },
    body: null,
    query: pageQuery.extend({
      limit: digits.pipe(z.int().min(1).max(MAX_PAGE)).default(MAX_PAGE),
    }),
    status: 200,
    answer: z.strictObject({
      repositories: z.array(z.strictObject({ name: z.string(), bytes: z.int() })),
      next,
    }),
    handle: async ({ context, namespace, query }) => {
      const page = await listUsage(context, namespace.name, query);
      return { repositories: page.entries, ...nextOf(page) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/recount',
    summary: 'Count what a namespace has from its rows, beside the numbers that are kept',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ kept: totals, counted: totals }),
    handle: ({ context, params }) => recount(context, params.namespace),
  }),
];
