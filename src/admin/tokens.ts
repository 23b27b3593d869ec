import { z } from 'zod';
import { createToken, listTokens, revokeToken, type Token } from '../accounts/tokens.ts';
import {
  expiresInDays,
  grants,
  text,
  timestamp,
  toGrants,
  toTimestamp,
  toTimestampOrNull,
} from './fields.ts';
import { type Route, route } from './route.ts';

const tokenSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  grants: grants.nullable(),
  createdAt: timestamp,
  expiresAt: timestamp.nullable(),
  lastUsedAt: timestamp.nullable(),
});

/** Personal access tokens of the caller. */
export const TOKEN_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/tokens',
    summary: "List the caller's personal access tokens",
    permission: 'caller',
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ tokens: z.array(tokenSchema) }),
    handle: async ({ context, identity }) => ({
      tokens: (await listTokens(context, identity)).map(toJson),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Make a personal access token; one made with another credential ends with that',
    permission: 'caller',
    body: z.strictObject({ name: text.min(1), grants: grants.optional(), expiresInDays }),
    query: null,
    status: 201,
    answer: tokenSchema.extend({ secret: z.string().describe('shown this once') }),
    handle: async ({ context, identity, body }) => {
      const given = { ...body, grants: body.grants ?? null };
      const { secret, ...token } = await createToken(context, identity, given);
      return { ...toJson(token), secret };
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tokens/:id',
    summary: 'Revoke a personal access token, and what was made with it',
    permission: 'caller',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, identity, params }) => revokeToken(context, identity, params.id),
  }),
];

function toJson(token: Token): z.input<typeof tokenSchema> {
  return {
    ...token,
    grants: token.grants === null ? null : toGrants(token.grants),
    createdAt: toTimestamp(token.createdAt),
    expiresAt: toTimestampOrNull(token.expiresAt),
    lastUsedAt: toTimestampOrNull(token.lastUsedAt),
  };
}
