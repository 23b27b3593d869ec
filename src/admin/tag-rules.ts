import { z } from 'zod';
import { listTagRules, removeTagRule, setTagRule } from '../accounts/tag-rules.ts';
import { next, nextOf, pageQuery, tagGlobs, text } from './fields.ts';
import { type Route, route } from './route.ts';

const PATH = '/api/v1/namespaces/:namespace/tag-rules';

const repository = text.min(1).describe('its whole name; without it the rule is of the namespace');

const globs = {
  immutable: tagGlobs.describe('globs of tags that neither move nor go; ["*"] is all'),
  except: tagGlobs.describe('globs of those that do all the same'),
};

const ruleSchema = z.strictObject({ repository: z.string().nullable(), ...globs });

const bodySchema = z
  .strictObject({ repository: repository.optional(), ...globs, except: globs.except.default([]) })
  .refine(({ repository, immutable }) => repository !== undefined || immutable.length > 0, {
    path: ['immutable'],
    message: 'name at least one glob; DELETE removes the rule',
  })
  .refine(
    ({ immutable, except }) =>
      immutable.length === 0 ||
      immutable.some((glob) => !except.includes(glob) && !except.includes('*')),
    { path: ['except'], message: 'all that is immutable is excepted, so nothing would be' },
  );

/** Which tags are immutable. */
export const TAG_RULE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    summary: 'List which tags are immutable: in the namespace, then in repositories with own rules',
    permission: { namespace: 'settings' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ rules: z.array(ruleSchema), next }),
    handle: async ({ context, namespace, query }) => {
      const page = await listTagRules(context, namespace.name, query);
      return { rules: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'PUT',
    path: PATH,
    summary:
      'Set which tags are immutable; the rule of a repository replaces the one of its namespace',
    permission: { namespace: 'settings' },
    body: bodySchema,
    query: null,
    status: 200,
    answer: ruleSchema,
    handle: async ({ context, namespace, body: { repository, ...globs } }) =>
      toJson(await setTagRule(context, namespace.name, repository ?? null, globs)),
  }),
  route({
    method: 'DELETE',
    path: PATH,
    summary: 'Remove the rule of a namespace or of a repository',
    permission: { namespace: 'settings' },
    body: null,
    query: z.strictObject({ repository: repository.optional() }),
    status: 204,
    answer: null,
    handle: ({ context, namespace, query }) =>
      removeTagRule(context, namespace.name, query.repository ?? null),
  }),
];

function toJson(rule: {
  repository: string | null;
  immutable: readonly string[];
  except: readonly string[];
}): z.input<typeof ruleSchema> {
  return { ...rule, immutable: [...rule.immutable], except: [...rule.except] };
}
