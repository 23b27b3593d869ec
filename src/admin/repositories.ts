import { z } from 'zod';
import { createRepository, listRepositories } from '../accounts/repositories.ts';
import { next, nextOf, pageQuery } from './fields.ts';
import { type Route, route } from './route.ts';

const repositorySchema = z.strictObject({ name: z.string() });

/** Repositories of a namespace. */
export const REPOSITORY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/repositories',
    summary: 'List the repositories that the caller may pull',
    permission: 'caller', // who may pull needs no role: it is decided for each repository
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ repositories: z.array(repositorySchema), next }),
    handle: async ({ context, identity, params, query }) => {
      const { origin } = context;
      const page = await listRepositories(context, identity, origin, params.namespace, query);
      return { repositories: page.entries.map((name) => ({ name })), ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/namespaces/:namespace/repositories',
    summary: 'Make an empty repository; the name is the whole one, with the namespace',
    permission: { namespace: 'create' },
    body: z.strictObject({ name: z.string().max(255) }),
    query: null,
    status: 201,
    answer: repositorySchema,
    handle: async ({ context, identity, namespace, body }) => ({
      name: await createRepository(context, identity, namespace.name, body.name),
    }),
  }),
];
