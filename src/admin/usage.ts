import { z } from 'zod';
import { LEVELS } from '../accounts/usage.ts';

const measure = z.strictObject({
  used: z.int(),
  quota: z.int().nullable().describe('null: as much as they like'),
  percent: z.int().nullable().describe('of the quota, rounded down'),
});

/** What a namespace has, and may have. */
export const usageSchema = z.strictObject({
  level: z.enum(LEVELS).describe('of the quota that is nearest'),
  warningPercent: z.int().describe('of a quota, from which on the level is "warning"'),
  bytes: measure.describe('each content counts once, and what can be restored counts'),
  repositories: measure.describe('without deleted ones'),
});
