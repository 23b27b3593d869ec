import { z } from 'zod';
import {
  createNamespace,
  deleteNamespace,
  listNamespaces,
  type Namespace,
  updateNamespace,
} from '../accounts/namespaces.ts';
import {
  atLeastOne,
  namespaceName,
  next,
  nextOf,
  pageQuery,
  role,
  timestamp,
  toTimestamp,
} from './fields.ts';
import { type Route, route } from './route.ts';
import { usageSchema } from './usage.ts';

const namespaceSchema = z.strictObject({
  name: z.string(),
  isPublic: z.boolean().describe('everybody may pull'),
  createsOnPush: z.boolean().describe('a push makes a repository that is not there'),
  restoreDays: z.int().describe('for so long what is deleted can be restored'),
  role: role.describe('of the caller'),
  createdAt: timestamp,
  usage: usageSchema,
});

const MAX_RESTORE_DAYS = 90;

export const restoreDays = z.int().min(0).max(MAX_RESTORE_DAYS);

/** Namespaces. */
export const NAMESPACE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces',
    summary: 'List the namespaces in which the caller has a role',
    permission: 'caller',
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ namespaces: z.array(namespaceSchema), next }),
    handle: async ({ context, identity, query }) => {
      const page = await listNamespaces(context, identity, query);
      return { namespaces: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/namespaces',
    summary: 'Add a namespace',
    permission: 'system',
    body: z.strictObject({
      name: namespaceName,
      isPublic: z.boolean().optional(),
      createsOnPush: z.boolean().default(true),
    }),
    query: null,
    status: 201,
    answer: namespaceSchema,
    handle: async ({ context, identity, body }) => {
      const isPublic = body.isPublic ?? context.newNamespaces === 'public';
      return toJson(await createNamespace(context, identity, { ...body, isPublic }));
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace',
    summary: 'Show a namespace',
    permission: { namespace: 'member' },
    body: null,
    query: null,
    status: 200,
    answer: namespaceSchema,
    handle: ({ namespace }) => toJson(namespace),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/namespaces/:namespace',
    summary: 'Change settings of a namespace',
    permission: { namespace: 'settings' },
    body: atLeastOne({
      isPublic: z.boolean().optional(),
      createsOnPush: z.boolean().optional(),
      restoreDays: restoreDays.optional(),
    }),
    query: null,
    status: 200,
    answer: namespaceSchema,
    handle: async ({ context, namespace, body }) =>
      toJson(await updateNamespace(context, namespace, body)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/namespaces/:namespace',
    summary: 'Remove a namespace that has no repositories, with its members, robots and rules',
    permission: 'system',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, params }) => deleteNamespace(context, params.namespace),
  }),
];

function toJson({ network, ...namespace }: Namespace): z.input<typeof namespaceSchema> {
  return { ...namespace, createdAt: toTimestamp(namespace.createdAt) };
}
