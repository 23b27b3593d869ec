import { z } from 'zod';
import {
  getRetention,
  removeRetention,
  setRetention,
  startRetention,
} from '../accounts/retention.ts';
import { preview } from '../lifecycle/retention/preview.ts';
import { parseRules } from '../lifecycle/retention/rules.ts';
import { runOne } from '../lifecycle/retention/run.ts';
import type { RetentionPolicy } from '../storage/metadata/retention.ts';
import { next, nextOf, pageQuery, timestamp, toTimestamp, toTimestampOrNull } from './fields.ts';
import { retentionRules } from './retention-rules.ts';
import { type Route, route } from './route.ts';

const PATH = '/api/v1/namespaces/:namespace/retention';

const MAX_HOURS = 24 * 30;

export const everyHours = z.int().min(1).max(MAX_HOURS);

const settings = z.strictObject({
  isEnabled: z.boolean().default(true),
  everyHours: everyHours.default(24),
  rules: retentionRules,
});

const policySchema = settings.extend({
  nextRunAt: timestamp.nullable().describe('null while it is disabled'),
  lastRunAt: timestamp.nullable().describe('when a run was last through'),
});

const previewSchema = z.strictObject({
  tags: z.array(
    z.strictObject({
      repository: z.string(),
      tag: z.string(),
      digest: z.string(),
      pushedAt: timestamp,
      pulledAt: timestamp.nullable().describe('by its name or its digest, whichever was later'),
      decision: z
        .enum(['keep', 'delete', 'immutable', 'untouched'])
        .describe('untouched: no rule is about it; immutable: a tag rule keeps it'),
      rule: z.string().nullable().describe('the one that decides'),
    }),
  ),
  skipped: z.array(z.string()).describe('repositories with too many tags to decide about'),
  next,
});

const runSchema = z.strictObject({
  repositories: z.int().describe('that the run went through'),
  deletedTags: z.int(),
  skipped: z.array(z.string()).describe('repositories with too many tags to decide about'),
  isDone: z.boolean().describe('false: the clock goes on, or another run'),
});

/** Which tags of a namespace go by themselves. */
export const RETENTION_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    summary: 'Show the retention policy of a namespace',
    permission: { namespace: 'settings' },
    body: null,
    query: null,
    status: 200,
    answer: policySchema,
    handle: async ({ context, namespace }) => toJson(await getRetention(context, namespace.name)),
  }),
  route({
    method: 'PUT',
    path: PATH,
    summary:
      'Set the retention policy of a namespace: what a rule keeps stays, whatever others say',
    permission: { namespace: 'settings' },
    body: settings,
    query: null,
    status: 200,
    answer: policySchema,
    handle: async ({ context, namespace, body }) => {
      const rules = JSON.stringify(body.rules);
      return toJson(await setRetention(context, namespace.name, { ...body, rules }));
    },
  }),
  route({
    method: 'DELETE',
    path: PATH,
    summary: 'Remove the retention policy of a namespace',
    permission: { namespace: 'settings' },
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, namespace }) => removeRetention(context, namespace.name),
  }),
  route({
    method: 'POST',
    path: `${PATH}/preview`,
    summary: 'Show what the policy, or the rules that are sent, would do now; nothing is changed',
    permission: { namespace: 'settings' },
    body: z.strictObject({ rules: retentionRules.optional() }),
    query: pageQuery,
    status: 200,
    answer: previewSchema,
    handle: async ({ context, namespace: { name }, body, query }) => {
      const rules = body.rules ?? parseRules((await getRetention(context, name)).rules);
      const page = await preview(context.metadata.retentionTags, name, rules, query);
      const tags = page.entries.map(
        ({ name: tag, verdict, isImmutable: _, pushedAt, pulledAt, ...rest }) => ({
          ...rest,
          tag,
          decision: verdict,
          pushedAt: toTimestamp(pushedAt),
          pulledAt: toTimestampOrNull(pulledAt),
        }),
      );
      return { tags, skipped: page.skipped, ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: `${PATH}/run`,
    summary: 'Run the policy now, as far as one run goes',
    permission: { namespace: 'settings' },
    body: z.strictObject({}),
    query: null,
    status: 200,
    answer: runSchema,
    handle: async ({ context, namespace }) => {
      const policy = await startRetention(context, namespace.name);
      const { tags, ...run } = await runOne(context.stores, policy);
      return { ...run, deletedTags: tags };
    },
  }),
];

/** What was stored came through the same schema. */
function toJson(policy: RetentionPolicy): z.input<typeof policySchema> {
  const { isEnabled, everyHours, rules, nextRunAt, lastRunAt } = policy;
  return {
    isEnabled,
    everyHours,
    rules: parseRules(rules) as z.input<typeof retentionRules>,
    nextRunAt: isEnabled ? toTimestamp(nextRunAt) : null,
    lastRunAt: toTimestampOrNull(lastRunAt),
  };
}
