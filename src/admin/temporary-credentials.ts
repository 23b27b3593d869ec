import { z } from 'zod';
import { createTemporaryCredential } from '../accounts/temporary-credentials.ts';
import { grants, text, timestamp, toTimestamp } from './fields.ts';
import { type Route, route } from './route.ts';

const MAX_MINUTES = 12 * 60;
const DEFAULT_MINUTES = 60;

/** Credentials for some minutes. */
export const TEMPORARY_CREDENTIAL_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/credentials',
    summary: "Make a credential for some minutes, with the caller's rights or fewer",
    permission: 'login',
    body: z.strictObject({
      name: text.default(''),
      minutes: z.int().min(1).max(MAX_MINUTES).default(DEFAULT_MINUTES),
      grants: grants.optional(),
    }),
    query: null,
    status: 201,
    answer: z.strictObject({ username: z.string(), password: z.string(), expiresAt: timestamp }),
    handle: async ({ context, identity, body }) => {
      const { username, password, expiresAt } = await createTemporaryCredential(context, identity, {
        ...body,
        grants: body.grants ?? null,
      });
      return { username, password, expiresAt: toTimestamp(expiresAt) };
    },
  }),
];
