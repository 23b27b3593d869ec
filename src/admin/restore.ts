import { z } from 'zod';
import { beginRestore } from '../lifecycle/backup/begin-restore.ts';
import { endRestore, giveUpRestore } from '../lifecycle/backup/end-restore.ts';
import { missingContent, restoreRows } from '../lifecycle/backup/restore.ts';
import { parseTable, RESTORED, SPARE } from '../lifecycle/backup/tables.ts';
import { headerSchema, rowSchema } from './backup-fields.ts';
import { checkColumns } from './restored-columns.ts';
import { type Route, route } from './route.ts';

const MAX_ROWS = 100;

/** A manifest of 4 MiB, each byte of which JSON may write as two. */
const MAX_ROWS_BODY = 9 * 2 ** 20; // bytes

/** Ids go on from there, and JavaScript counts no further than 2^53. */
const MAX_AUDIT_ID = 10 ** 12;

const blobSchema = z.strictObject({ digest: z.string(), key: z.string(), size: z.int() });

const stepSchema = z.strictObject({ isDone: z.boolean() });

/** A backup goes back into an empty registry. Every call may be repeated. */
export const RESTORE_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/restore',
    summary: 'Begin a restore, or go on with one: the tables, in their order',
    permission: 'system',
    body: z.strictObject({
      header: headerSchema,
      lastAudit: z
        .int()
        .min(0)
        .max(MAX_AUDIT_ID)
        .describe('the largest id of an entry of its audit log'),
    }),
    query: null,
    status: 200,
    answer: z.strictObject({
      tables: z.array(z.string()),
      spareRepository: z.string().describe('for content that only deleted repositories had'),
      isDone: z.boolean().describe('this backup was restored already'),
    }),
    handle: async ({ context: { stores, actor }, body }) => {
      const phase = await beginRestore(stores, body.header, body.lastAudit, actor);
      return { tables: [...RESTORED], spareRepository: SPARE, isDone: phase === 'done' };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore/missing',
    summary: 'The places of blobs whose content the bucket does not have',
    permission: 'system',
    body: z.strictObject({ blobs: z.array(blobSchema).max(MAX_ROWS) }),
    query: null,
    status: 200,
    answer: z.strictObject({ missing: z.array(z.int()) }),
    handle: async ({ context: { stores }, body }) => {
      const rows = body.blobs.map(({ digest, key, size }) => ({ digest, r2_key: key, size }));
      checkColumns('blobs', rows);
      return { missing: await missingContent(stores, rows) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore/tables/:table',
    summary: 'Put rows of a table back: the places of those that lack what they name',
    permission: 'system',
    maxBody: MAX_ROWS_BODY,
    body: z.strictObject({ rows: z.array(rowSchema).max(MAX_ROWS) }),
    query: null,
    status: 200,
    answer: z.strictObject({ refused: z.array(z.int()) }),
    handle: async ({ context: { stores }, params, body }) => {
      const table = parseTable(params.table);
      checkColumns(table, body.rows);
      return { refused: await restoreRows(stores, table, body.rows) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore/end',
    summary: 'End a restore, step by step: everybody gets in again, the collector goes on',
    permission: 'system',
    body: z.strictObject({}),
    query: null,
    status: 200,
    answer: stepSchema,
    handle: ({ context: { stores, actor } }) => endRestore(stores, actor),
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore/give-up',
    summary: 'Give up a restore, step by step: what it has brought goes, but for objects',
    permission: 'system',
    body: z.strictObject({}),
    query: null,
    status: 200,
    answer: stepSchema,
    handle: ({ context: { stores, actor } }) => giveUpRestore(stores, actor),
  }),
];
