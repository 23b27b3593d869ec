import { z } from 'zod';
import {
  cancelTransfer,
  getTransfer,
  listTransfers,
  startTransfer,
} from '../accounts/transfers.ts';
import type { TransferRecord } from '../storage/metadata/transfers.ts';
import {
  next,
  nextOf,
  numberedPageQuery,
  timestamp,
  toTimestamp,
  toTimestampOrNull,
} from './fields.ts';
import { type Route, route } from './route.ts';
import { toAsked, toSettings, transferBody, transferSettings } from './transfer-settings.ts';

const PATH = '/api/v1/transfers';

export const transferSchema = z.strictObject({
  id: z.string(),
  principal: z.string().describe('who started it, and in whose name it pushes'),
  ...transferSettings,
  state: z
    .enum(['running', 'done', 'failed', 'canceled'])
    .describe('failed: it went through, and something could not be copied'),
  repositories: z.int(),
  copied: z.int().describe('tags'),
  present: z.int().describe('tags that named the same before'),
  failed: z.int().describe('tags, and repositories whose tags could not be listed'),
  waiting: z.int().describe('tags, and lists that are not read to their end'),
  bytes: z.int().describe('of content that was copied'),
  pausedUntil: timestamp.nullable(),
  pausedBecause: z.string().nullable(),
  failures: z
    .array(
      z.strictObject({ repository: z.string(), tag: z.string().nullable(), reason: z.string() }),
    )
    .describe('the first 100'),
  createdAt: timestamp,
  updatedAt: timestamp,
  finishedAt: timestamp.nullable(),
});

/** Copies from other registries, and to them. */
export const TRANSFER_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: PATH,
    summary: 'Start to copy repositories from a mirrored registry into own ones, or the other way',
    permission: 'caller',
    body: transferBody,
    query: null,
    status: 201,
    answer: transferSchema,
    handle: async ({ context, identity, body }) => {
      const visit = { context, identity, origin: context.origin };
      const { between, options } = toAsked(body);
      return toJson(await startTransfer(visit, between, options, context.startTransfer));
    },
  }),
  route({
    method: 'GET',
    path: PATH,
    summary: 'List copies, the newest first: your own, or all for administrators',
    permission: 'caller',
    body: null,
    query: numberedPageQuery,
    status: 200,
    answer: z.strictObject({ transfers: z.array(transferSchema), next }),
    handle: async ({ context, identity, query }) => {
      const page = await listTransfers(context, identity, query);
      return { transfers: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'GET',
    path: `${PATH}/:transfer`,
    summary: 'Show how far a copy is',
    permission: 'caller',
    body: null,
    query: null,
    status: 200,
    answer: transferSchema,
    handle: async ({ context, identity, params }) =>
      toJson(await getTransfer(context, identity, params.transfer)),
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/:transfer`,
    summary: 'Cancel a copy; what was copied stays',
    permission: 'caller',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, identity, params }) => cancelTransfer(context, identity, params.transfer),
  }),
];

export function toJson(transfer: TransferRecord): z.input<typeof transferSchema> {
  const { id, principal, state, progress } = transfer;
  const { pausedUntil, failures, ...counts } = progress;
  return {
    id,
    principal,
    ...toSettings(transfer),
    state,
    ...counts,
    pausedUntil: toTimestampOrNull(pausedUntil),
    failures: [...failures],
    createdAt: toTimestamp(transfer.createdAt),
    updatedAt: toTimestamp(transfer.updatedAt),
    finishedAt: toTimestampOrNull(transfer.finishedAt),
  };
}
