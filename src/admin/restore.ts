import { z } from 'zod';
import { beginRestore, endRestore, restoreRows } from '../lifecycle/backup/restore.ts';
import { parseTable, RESTORED } from '../lifecycle/backup/tables.ts';
import { headerSchema, rowSchema } from './backup-fields.ts';
import { type Route, route } from './route.ts';

const MAX_ROWS = 100;

/** A manifest of 4 MiB, each byte of which JSON may write as two. */
const MAX_ROWS_BODY = 9 * 2 ** 20; // bytes

/** A backup goes back into an empty registry. Every call may be repeated. */
export const RESTORE_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/restore',
    summary: 'Begin a restore, or go on with one: the tables, in their order',
    permission: 'system',
    body: z.strictObject({
      header: headerSchema,
      lastAudit: z.int().min(0).describe('the largest id of an entry of its audit log'),
    }),
    query: null,
    status: 200,
    answer: z.strictObject({ tables: z.array(z.string()) }),
    handle: async ({ context: { stores, actor }, body }) => {
      await beginRestore(stores, body.header, body.lastAudit, actor);
      return { tables: [...RESTORED] };
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
    handle: async ({ context: { stores }, params, body }) => ({
      refused: await restoreRows(stores, parseTable(params.table), body.rows),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/restore/end',
    summary: 'End a restore: the collector goes on with its work',
    permission: 'system',
    body: z.strictObject({}),
    query: null,
    status: 204,
    answer: null,
    handle: ({ context: { stores, actor } }) => endRestore(stores, actor),
  }),
];
