/** The rules of a retention policy, as the API takes them. */
import { z } from 'zod';
import { problemsOf } from '../lifecycle/retention/check.ts';
import { repositoryGlob, tagGlobs, text } from './fields.ts';

const MAX_RULES = 20;
const MAX_DAYS = 3650;
const MAX_TAGS = 100_000;

const wholeDays = (message: string) =>
  z.int(message).min(1, 'at least one day').max(MAX_DAYS, `at most ${MAX_DAYS} days`);

const days = wholeDays('it has to be a whole number of days');

const common = {
  name: text.min(1).optional().describe('for people: what the rule is called in the audit log'),
  repositories: repositoryGlob.default('**').describe('glob over the name behind the namespace'),
};

const tagSelection = {
  ...common,
  include: tagGlobs.min(1).default(['*']).describe('globs of tags'),
  exclude: tagGlobs.default([]).describe('globs of tags'),
};

const keep = z.strictObject({
  action: z.literal('keep'),
  ...tagSelection,
  lastPushed: z
    .int('it has to be a whole number of tags')
    .min(1, 'at least one tag; to keep none leave the rule out')
    .max(MAX_TAGS)
    .optional()
    .describe('so many of the tags that match, the last pushed first'),
  pushedWithinDays: days.optional(),
  pulledWithinDays: days.optional().describe('what was never pulled counts from its push'),
});

const remove = z.strictObject({
  action: z.literal('delete'),
  ...tagSelection,
  pushedBeforeDays: days.optional(),
  notPulledForDays: days.optional().describe('what was never pulled counts from its push'),
});

const untagged = z.strictObject({
  action: z.literal('untagged'),
  ...common,
  olderThanDays: wholeDays('it has to be a whole number of days, or null for ever').nullable(),
});

const rule = z.discriminatedUnion('action', [keep, remove, untagged], {
  error: 'action has to be "keep", "delete" or "untagged"',
});

/** An ordered list of rules that can be meant: see lifecycle/retention/check.ts. */
export const retentionRules = z
  .array(rule, 'rules have to be a list')
  .min(1, 'give at least one rule; DELETE removes the policy')
  .max(MAX_RULES, `at most ${MAX_RULES} rules`)
  .superRefine((rules, context) => {
    for (const { rule, problem } of problemsOf(rules)) {
      context.addIssue({ code: 'custom', path: rule === null ? [] : [rule], message: problem });
    }
  });
