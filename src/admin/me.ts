import { z } from 'zod';
import { changePassword } from '../accounts/users.ts';
import { grants, password, toGrants } from './fields.ts';
import { type Route, route } from './route.ts';

const meSchema = z.strictObject({
  principal: z.string(),
  kind: z.enum(['anonymous', 'user', 'robot', 'workload']),
  isAdmin: z.boolean(),
  limits: z.array(grants).describe('what the credential is narrowed to: each list has to allow'),
});

/** The caller. */
export const ME_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/me',
    summary: 'Who has logged in',
    permission: 'login',
    body: null,
    query: null,
    status: 200,
    answer: meSchema,
    handle: ({ identity: { principal, kind, isAdmin, limits } }) => ({
      principal,
      kind,
      isAdmin,
      limits: limits.map(toGrants),
    }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/me/password',
    summary: "Change the caller's password; takes a login with it",
    permission: 'caller',
    body: z.strictObject({ current: z.string().max(256), password }),
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, identity, body }) => changePassword(context, identity, body),
  }),
];
