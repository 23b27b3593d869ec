import { z } from 'zod';
import { exportPage } from '../lifecycle/backup/export-page.ts';
import { newHeader } from '../lifecycle/backup/header.ts';
import { openObject } from '../lifecycle/backup/open-object.ts';
import { parseTable } from '../lifecycle/backup/tables.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RowKey } from '../storage/metadata/export.ts';
import { headerSchema, rowSchema } from './backup-fields.ts';
import { digits, next } from './fields.ts';
import { type Route, route } from './route.ts';

const MAX_KEY = 2000; // characters

/** A backup, read page by page. What is in it is secret. */
export const BACKUP_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/backup',
    summary: 'Begin a backup: its header, and the tables to read, in their order',
    permission: 'system',
    body: z.strictObject({}),
    query: null,
    status: 200,
    answer: headerSchema,
    handle: async ({ context: { metadata, actor } }) => {
      const header = newHeader(await metadata.export.state());
      await metadata.export.recordBackup(actor, header.id);
      return header;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/backup/tables/:table',
    summary: 'Some rows of a table, in the order of its key',
    permission: 'system',
    body: null,
    query: z.strictObject({ after: z.string().max(MAX_KEY).optional() }),
    status: 200,
    answer: z.strictObject({ rows: z.array(rowSchema), next }),
    handle: async ({ context: { stores }, params, query }) => {
      const table = parseTable(params.table);
      const after = query.after === undefined ? null : parseKey(query.after);
      if (after !== null && !(await stores.metadata.export.isKey(table, after))) {
        throw new RegistryError('ACCOUNT_INVALID', `"after" is no key of ${table}`);
      }
      const page = await exportPage(stores, table, after);
      return {
        rows: page.rows.map((row) => ({ ...row })) as z.input<typeof rowSchema>[],
        ...(page.next !== null && { next: JSON.stringify(page.next) }),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/backup/objects/:key',
    summary:
      'The bytes of a blob by its key, from an offset on; a key stays good for a day after its blob',
    permission: 'system',
    body: null,
    query: z.strictObject({ offset: digits.pipe(z.int()).default(0) }),
    status: 200,
    answer: z.unknown(),
    handle: async ({ context: { stores }, params, query }) =>
      new Response(await openObject(stores, params.key, query.offset), {
        headers: { 'Content-Type': 'application/octet-stream' },
      }),
  }),
];

const keySchema = z.array(z.union([z.string(), z.int()]));

/** Reads the key of a row, which is what a page named as its next. @throws ACCOUNT_INVALID */
function parseKey(text: string): RowKey {
  try {
    return keySchema.parse(JSON.parse(text));
  } catch {
    throw new RegistryError('ACCOUNT_INVALID', '"after" is what a page names as next');
  }
}
