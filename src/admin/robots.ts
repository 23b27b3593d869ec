import { z } from 'zod';
import {
  createRobot,
  deleteRobot,
  listRobots,
  type Robot,
  replaceRobotSecret,
  updateRobot,
} from '../accounts/robots.ts';
import {
  accountName,
  atLeastOne,
  expiresInDays,
  grants,
  next,
  nextOf,
  pageQuery,
  role,
  text,
  timestamp,
  toGrants,
  toTimestamp,
  toTimestampOrNull,
} from './fields.ts';
import { type Route, route } from './route.ts';

const robotSchema = z.strictObject({
  name: z.string().describe('to log in with: "<namespace>+<name>"'),
  description: z.string(),
  isDisabled: z.boolean(),
  role: role.nullable().describe('on the whole namespace'),
  grants: grants.nullable().describe('what its secret is narrowed to'),
  createdAt: timestamp,
  expiresAt: timestamp.nullable().describe('of its secret'),
  lastUsedAt: timestamp.nullable(),
});

const withSecretSchema = robotSchema.extend({ secret: z.string().describe('shown this once') });

/** Robots of a namespace. */
export const ROBOT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/namespaces/:namespace/robots',
    summary: 'List robots',
    permission: { namespace: 'members' },
    body: null,
    query: pageQuery,
    status: 200,
    answer: z.strictObject({ robots: z.array(robotSchema), next }),
    handle: async ({ context, namespace, query }) => {
      const page = await listRobots(context, namespace.name, query);
      return { robots: page.entries.map(toJson), ...nextOf(page) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/namespaces/:namespace/robots',
    summary: 'Add a robot; without a role it gets the least one that its grants need',
    permission: { namespace: 'members' },
    body: z.strictObject({
      name: accountName,
      description: text.default(''),
      role: role.optional(),
      grants: grants.optional(),
      expiresInDays,
    }),
    query: null,
    status: 201,
    answer: withSecretSchema,
    handle: async ({ context, namespace, body }) => {
      const given = { ...body, grants: body.grants ?? null };
      const { secret, ...robot } = await createRobot(context, namespace.name, given);
      return { ...toJson(robot), secret };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/namespaces/:namespace/robots/:robot/secret',
    summary: 'Give a robot another secret; the old one dies at once',
    permission: { namespace: 'members' },
    body: z.strictObject({ expiresInDays }),
    query: null,
    status: 201,
    answer: withSecretSchema,
    handle: async ({ context, namespace: { name }, params, body }) => {
      const days = body.expiresInDays;
      const { secret, ...robot } = await replaceRobotSecret(context, name, params.robot, days);
      return { ...toJson(robot), secret };
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/namespaces/:namespace/robots/:robot',
    summary: 'Change a robot',
    permission: { namespace: 'members' },
    body: atLeastOne({ description: text.optional(), isDisabled: z.boolean().optional() }),
    query: null,
    status: 200,
    answer: robotSchema,
    handle: async ({ context, namespace, params, body }) =>
      toJson(await updateRobot(context, namespace.name, params.robot, body)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/namespaces/:namespace/robots/:robot',
    summary: 'Remove a robot with its roles and its secret',
    permission: { namespace: 'members' },
    body: null,
    query: null,
    status: 204,
    answer: null,
    handle: ({ context, namespace, params }) => deleteRobot(context, namespace.name, params.robot),
  }),
];

function toJson(robot: Robot): z.input<typeof robotSchema> {
  return {
    ...robot,
    grants: robot.grants === null ? null : toGrants(robot.grants),
    createdAt: toTimestamp(robot.createdAt),
    expiresAt: toTimestampOrNull(robot.expiresAt),
    lastUsedAt: toTimestampOrNull(robot.lastUsedAt),
  };
}
