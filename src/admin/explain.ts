import { z } from 'zod';
import { explain } from '../accounts/explain.ts';
import { action, principal } from './fields.ts';
import { type Route, route } from './route.ts';

/** Why somebody may do something, or not. */
export const EXPLAIN_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/explain',
    summary: 'Say whether somebody may do something, and by which rule',
    permission: 'caller', // and "members" in the namespace that the body names: explain() asks for it
    body: z.strictObject({
      principal,
      repository: z.string().max(255),
      action,
      address: z.union([z.ipv4(), z.ipv6()], 'not an address').optional(),
      country: z
        .string()
        .regex(/^[A-Z][A-Z0-9]$/)
        .optional(),
      asn: z.int().min(1).optional(),
    }),
    query: null,
    status: 200,
    answer: z.strictObject({ allowed: z.boolean(), because: z.string() }),
    handle: ({ context, identity, body: { address, country, asn, ...question } }) => {
      const origin = { address: address ?? null, country: country ?? null, asn: asn ?? null };
      return explain(context, identity, { ...question, origin });
    },
  }),
];
