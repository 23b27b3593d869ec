import { z } from 'zod';
import { setNetwork } from '../accounts/namespaces.ts';
import { isCidr, type NetworkRules } from '../auth/network.ts';
import { type Route, route } from './route.ts';

const MAX_ENTRIES = 64;
const MAX_ASN = 2 ** 32 - 1;

/** A range, or one address, in the usual notation only. */
const cidr = z
  .union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], 'not a range of addresses')
  .refine(isCidr, 'not a range of addresses');

/** ISO 3166-1 alpha-2, and "T1" for Tor: what Cloudflare calls countries. */
const country = z.string().regex(/^[A-Z][A-Z0-9]$/);

const ruleSchema = z.strictObject({
  cidrs: z.array(cidr).min(1).max(MAX_ENTRIES).optional(),
  countries: z.array(country).min(1).max(MAX_ENTRIES).optional(),
  asns: z.array(z.int().min(1).max(MAX_ASN)).min(1).max(MAX_ENTRIES).optional(),
});

/** Where a namespace may be used from. */
export const networkSchema = z.strictObject({
  pull: ruleSchema.optional(),
  push: ruleSchema.optional().describe('for deletes too'),
});

/** Network rules of a namespace. */
export const NETWORK_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/network',
    summary: 'Show where a namespace may be used from',
    permission: { namespace: 'settings' },
    body: null,
    query: null,
    status: 200,
    answer: networkSchema,
    handle: ({ namespace }) => toJson(namespace.network),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/namespaces/:namespace/network',
    summary: 'Set where a namespace may be used from: each list that is given has to match',
    permission: { namespace: 'settings' },
    body: networkSchema,
    query: null,
    status: 200,
    answer: networkSchema,
    handle: async ({ context, namespace, body }) =>
      toJson(await setNetwork(context, namespace, withoutGaps(body))),
  }),
];

/** What was stored came through the same schema. */
function toJson(rules: NetworkRules): z.input<typeof networkSchema> {
  return rules as z.input<typeof networkSchema>;
}

/** Zod leaves out what was not there, which its types do not say. */
function withoutGaps(rules: z.output<typeof networkSchema>): NetworkRules {
  return rules as NetworkRules;
}
