/** What the schemas of backup and restore share. */
import { z } from 'zod';
import { timestamp } from './fields.ts';

const MAX_TABLES = 100;

export const headerSchema = z.strictObject({
  format: z.string().max(64),
  version: z.int(),
  id: z.guid(),
  schema: z.string().max(255).describe('the last migration of the database'),
  takenAt: timestamp,
  tables: z.array(z.string().max(64)).max(MAX_TABLES),
});

/** Columns by name; lists are what a manifest names. */
export const rowSchema = z.record(
  z.string().regex(/^[a-z0-9_]{1,64}$/),
  z.union([z.string(), z.number(), z.null(), z.array(z.string())]),
);
