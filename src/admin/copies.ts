import { z } from 'zod';
import { type Copy, findCopy, listCopies } from '../lifecycle/backup/copies.ts';
import { copyDatabase } from '../lifecycle/backup/nightly-copy.ts';
import { RegistryError } from '../oci/errors.ts';
import { digits } from './fields.ts';
import { type Route, route } from './route.ts';

const copySchema = z.strictObject({
  name: z.string(),
  takenAt: z.string(),
  rows: z.int(),
  parts: z.int().describe('gzip, one behind the other'),
  size: z.int().describe('bytes of all parts'),
});

/** Nightly copies of the database in R2. */
export const COPY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/backup/copies',
    summary: 'List the copies of the database that are whole, the newest first',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ copies: z.array(copySchema) }),
    handle: async ({ context: { stores } }) => ({
      copies: (await listCopies(stores)).map(toCopy),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/backup/copies',
    summary: 'Copy the database now, or go on with it: ask again until it is done',
    permission: 'system',
    body: z.strictObject({}),
    query: null,
    status: 200,
    answer: z.strictObject({ copy: z.string().nullable(), isDone: z.boolean() }),
    handle: async ({ context: { stores, metadata, actor } }) => {
      await metadata.audit.add(actor, { event: 'backup.copy' });
      return { ...(await copyDatabase(stores, true)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/backup/copies/:copy/parts/:part',
    summary: 'The bytes of a part of a copy, from 0 on',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: z.unknown(),
    handle: async ({ context: { stores }, params }) => {
      const copy = await findCopy(stores, params.copy);
      const part = digits.safeParse(params.part);
      const key = copy?.parts[part.success ? part.data : -1]?.key;
      const bytes = key === undefined ? null : await stores.backups.bytes(key);
      if (bytes === null) {
        throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such copy, or part of it');
      }
      return new Response(bytes, { headers: { 'Content-Type': 'application/gzip' } });
    },
  }),
];

function toCopy({ name, takenAt, rows, parts }: Copy): z.input<typeof copySchema> {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { name, takenAt, rows, parts: parts.length, size };
}
