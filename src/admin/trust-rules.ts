import { z } from 'zod';
import {
  createTrustRule,
  deleteTrustRule,
  listTrustRules,
  type TrustRule,
} from '../accounts/trust-rules.ts';
import {
  accountName,
  grants,
  next,
  nextOf,
  pageQuery,
  text,
  timestamp,
  toGrants,
  toTimestamp,
} from './fields.ts';
import { type Route, route } from './route.ts';

const MAX_CLAIMS = 32;
const glob = text.min(1);

/** What a trust rule asks of a token. */
export const claims = z
  .record(text.min(1), z.union([glob, z.array(glob).min(1).max(64)]))
  .refine((given) => Object.keys(given).length > 0, 'at least one claim is needed')
  .refine((given) => Object.keys(given).length <= MAX_CLAIMS, `at most ${MAX_CLAIMS} claims`)
  .meta({ minProperties: 1, maxProperties: MAX_CLAIMS })
  .describe('what each claim has to be: a glob, or one of several');

const ruleFields = {
  name: accountName,
  issuer: text.min(1).describe('as its tokens say in "iss"; https'),
  audience: text.min(1).describe('one of what its tokens say in "aud"'),
  claims,
  grants: grants.describe('in this namespace'),
};

const ruleSchema = z.strictObject({ ...ruleFields, createdAt: timestamp });

/** Trust rules of a namespace: workloads that log in without a stored secret. */
export const TRUST_RULE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/trust-rules',
    summary: 'List trust rules',
    permission: { namespace: 'members' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ trustRules: z.array(ruleSchema), next }),
    handle: async ({ context, namespace, query }) => {
      const page = await listTrustRules(context, namespace.name, query);
      return { trustRules: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/namespaces/:namespace/trust-rules',
    summary: 'Let workloads in that an OIDC issuer vouches for',
    permission: { namespace: 'members' },
    body: z.strictObject(ruleFields),
    query: null,
    status: 201,
    answer: ruleSchema,
    handle: async ({ context, namespace, body }) =>
      toJson(await createTrustRule(context, namespace.name, body, context)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/namespaces/:namespace/trust-rules/:rule',
    summary: 'Remove a trust rule, and the credentials of those it let in',
    permission: { namespace: 'members' },
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, namespace, params }) =>
      deleteTrustRule(context, namespace.name, params.rule),
  }),
];

function toJson(rule: TrustRule): z.input<typeof ruleSchema> {
  return {
    ...rule,
    claims: rule.claims as z.input<typeof claims>, // stored as it came through the schema
    grants: toGrants(rule.grants),
    createdAt: toTimestamp(rule.createdAt),
  };
}
