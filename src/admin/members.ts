import { z } from 'zod';
import { listMembers, removeMember, setMember } from '../accounts/members.ts';
import { next, nextOf, pageQuery, repositoryGlob, role } from './fields.ts';
import { type Route, route } from './route.ts';

const ALL = '**';

const memberSchema = z.strictObject({
  principal: z.string().describe('a user, a robot, or "*" for everybody'),
  repositories: z.string().describe('glob over the name behind the namespace'),
  role,
});

/** Members of a namespace. */
export const MEMBER_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/members',
    summary: 'List members and their roles',
    permission: { namespace: 'members' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ members: z.array(memberSchema), next }),
    handle: async ({ context, namespace, query }) => {
      const page = await listMembers(context, namespace.name, query);
      return { members: page.entries, ...nextOf(page) };
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/namespaces/:namespace/members/:principal',
    summary: 'Give a user, a robot or everybody ("*") a role; the longest glob that matches counts',
    permission: { namespace: 'members' },
    body: z.strictObject({ role, repositories: repositoryGlob.default(ALL) }),
    query: null,
    status: 200,
    answer: memberSchema,
    handle: ({ context, identity, namespace, params, body }) =>
      setMember(context, identity, namespace.name, { principal: params.principal, ...body }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/namespaces/:namespace/members/:principal',
    summary: 'Take a role away',
    permission: { namespace: 'members' },
    body: null,
    query: z.strictObject({ repositories: repositoryGlob.default(ALL) }),
    status: 204,
    answer: null,
    handle: ({ context, namespace, params, query }) =>
      removeMember(context, namespace.name, params.principal, query.repositories),
  }),
];
