import { z } from 'zod';
import {
  createUser,
  deleteUser,
  getUser,
  listUsers,
  type User,
  updateUser,
} from '../accounts/users.ts';
import {
  accountName,
  atLeastOne,
  next,
  nextOf,
  pageQuery,
  password,
  timestamp,
  toTimestamp,
} from './fields.ts';
import { type Route, route } from './route.ts';

const userSchema = z.strictObject({
  name: z.string(),
  isAdmin: z.boolean().describe('of the system'),
  isDisabled: z.boolean(),
  createdAt: timestamp,
});

/** Users. */
export const USER_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/users',
    summary: 'List users',
    permission: 'system',
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ users: z.array(userSchema), next }),
    handle: async ({ context, query }) => {
      const page = await listUsers(context, query);
      return { users: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/users',
    summary: 'Add a user',
    permission: 'system',
    body: z.strictObject({ name: accountName, password, isAdmin: z.boolean().default(false) }),
    query: null,
    status: 201,
    answer: userSchema,
    handle: async ({ context, body }) => toJson(await createUser(context, body)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/users/:user',
    summary: 'Show a user',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: userSchema,
    handle: async ({ context, params }) => toJson(await getUser(context, params.user)),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/users/:user',
    summary: 'Change a user; a new password, and being disabled, end refresh tokens',
    permission: 'system',
    body: atLeastOne({
      password: password.optional(),
      isAdmin: z.boolean().optional(),
      isDisabled: z.boolean().optional(),
    }),
    query: null,
    status: 200,
    answer: userSchema,
    handle: async ({ context, params, body }) =>
      toJson(await updateUser(context, params.user, body)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/users/:user',
    summary: 'Remove a user with roles and tokens',
    permission: 'system',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, params }) => deleteUser(context, params.user),
  }),
];

function toJson(user: User): z.input<typeof userSchema> {
  return { ...user, createdAt: toTimestamp(user.createdAt) };
}
