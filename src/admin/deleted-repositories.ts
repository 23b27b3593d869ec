import { z } from 'zod';
import {
  deleteRepository,
  type Keeper,
  listDeletedRepositories,
  purgeRepository,
  restoreRepository,
} from '../accounts/deleted-repositories.ts';
import type { Namespace } from '../accounts/namespaces.ts';
import type { Identity } from '../auth/identity.ts';
import { next, nextOf, numberedPageQuery, timestamp, toTimestamp } from './fields.ts';
import { type ApiContext, type Route, route } from './route.ts';

const deletedSchema = z.strictObject({
  id: z.int(),
  name: z.string().describe('that it had'),
  deletedAt: timestamp,
  restorableUntil: timestamp,
});

/** Repositories that go, and come back: for those who may make them. */
export const DELETED_REPOSITORY_ROUTES: readonly Route[] = [
  route({
    method: 'DELETE',
    path: '/api/v1/namespaces/:namespace/repositories/:repository',
    summary: 'Delete a repository, by its whole name; it also takes the right to delete in it',
    permission: { namespace: 'create' },
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: (call) => deleteRepository(toKeeper(call), call.context.stores, call.params.repository),
  }),
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/deleted-repositories',
    summary: 'List deleted repositories that can be restored',
    permission: { namespace: 'create' },
    body: null,
    query: numberedPageQuery,
    status: 200,
    answer: z.strictObject({ repositories: z.array(deletedSchema), next }),
    handle: async (call) => {
      const page = await listDeletedRepositories(
        toKeeper(call),
        call.query.after,
        call.query.limit,
      );
      const repositories = page.entries.map((repository) => ({
        ...repository,
        deletedAt: toTimestamp(repository.deletedAt),
        restorableUntil: toTimestamp(repository.restorableUntil),
      }));
      return { repositories, ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/namespaces/:namespace/deleted-repositories/:id/restore',
    summary: 'Give a deleted repository its name back, unless another has it now',
    permission: { namespace: 'create' },
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ name: z.string() }),
    handle: async (call) => ({
      name: await restoreRepository(toKeeper(call), toId(call.params.id)),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/namespaces/:namespace/deleted-repositories/:id',
    summary: 'Delete a deleted repository for good',
    permission: { namespace: 'create' },
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: (call) => purgeRepository(toKeeper(call), toId(call.params.id)),
  }),
];

/** An id in a path; text that is none is that of nothing. */
function toId(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

function toKeeper({
  context,
  identity,
  namespace,
}: {
  context: ApiContext;
  identity: Identity;
  namespace: Namespace;
}): Keeper {
  return { context, identity, origin: context.origin, namespace: namespace.name };
}
