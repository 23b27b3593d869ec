import { z } from 'zod';
import {
  getReplication,
  listReplications,
  removeReplication,
  runReplication,
  setReplication,
} from '../accounts/replications.ts';
import { RegistryError } from '../oci/errors.ts';
import type { ReplicationRecord } from '../storage/metadata/replications.ts';
import { accountName, timestamp, toTimestamp } from './fields.ts';
import { type Route, route } from './route.ts';
import { toAsked, toSettings, transferBodyWith, transferSettings } from './transfer-settings.ts';
import { transferSchema, toJson as transferToJson } from './transfers.ts';

const PATH = '/api/v1/replications';

const MIN_MINUTES = 15; // the clock has no shorter step
const MAX_MINUTES = 60 * 24 * 30;

const schedule = {
  everyMinutes: z.int().min(MIN_MINUTES).max(MAX_MINUTES).default(60),
  isEnabled: z.boolean().default(true),
};

const replicationSchema = z.strictObject({
  name: z.string(),
  principal: z.string().describe('who set it, and in whose name it runs'),
  ...transferSettings,
  ...schedule,
  direction: z.enum(['pull', 'push']),
  nextRunAt: timestamp.nullable().describe('null while it is disabled'),
  lastTransfer: z.string().nullable().describe('its id'),
  lastState: z.string().nullable().describe('of that; null when there is none, or it is forgotten'),
});

/** Copies that are made again and again. */
export const REPLICATION_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    summary: 'List the copies that are made again and again',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: z.strictObject({ replications: z.array(replicationSchema) }),
    handle: async ({ context }) => ({
      replications: (await listReplications(context)).map(toJson),
    }),
  }),
  route({
    method: 'GET',
    path: `${PATH}/:replication`,
    summary: 'Show a copy that is made again and again',
    permission: 'system',
    body: null,
    query: null,
    status: 200,
    answer: replicationSchema,
    handle: async ({ context, params }) =>
      toJson(await getReplication(context, params.replication)),
  }),
  route({
    method: 'PUT',
    path: `${PATH}/:replication`,
    summary: 'Have a copy made again and again, from a mirrored registry or to it, or change that',
    permission: 'system',
    body: transferBodyWith(schedule),
    query: null,
    status: 200,
    answer: replicationSchema,
    handle: async ({ context, params, body }) => {
      const name = readName(params.replication);
      const { everyMinutes, isEnabled } = body;
      const replication = { name, ...toAsked(body), everyMinutes, isEnabled };
      return toJson(await setReplication(context, replication));
    },
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/:replication`,
    summary: 'Make a copy no more; what was copied stays',
    permission: 'system',
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, params }) => removeReplication(context, params.replication),
  }),
  route({
    method: 'POST',
    path: `${PATH}/:replication/run`,
    summary: 'Make a copy now',
    permission: 'system',
    body: z.strictObject({}),
    query: null,
    status: 201,
    answer: transferSchema,
    handle: async ({ context, identity, params }) => {
      const { startTransfer } = context;
      return transferToJson(
        await runReplication(context, identity, params.replication, startTransfer),
      );
    },
  }),
];

function readName(text: string): string {
  const { success, data } = accountName.safeParse(text);
  if (!success) {
    throw new RegistryError(
      'ACCOUNT_INVALID',
      'the name of a replication has 2 to 64 characters of a-z 0-9 . _ -',
    );
  }
  return data;
}

function toJson(replication: ReplicationRecord): z.input<typeof replicationSchema> {
  const { name, principal, options, everyMinutes, isEnabled, nextRunAt } = replication;
  const { lastTransfer, lastState } = replication;
  return {
    name,
    principal,
    ...toSettings(replication),
    everyMinutes,
    isEnabled,
    direction: options.isPush ? 'push' : 'pull',
    nextRunAt: isEnabled ? toTimestamp(nextRunAt) : null,
    lastTransfer,
    lastState,
  };
}
