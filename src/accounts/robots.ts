import type { Grant } from '../auth/identity.ts';
import type { Role } from '../auth/roles.ts';
import { hashSecret, newSecret } from '../auth/secrets.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RobotRecord } from '../storage/metadata/robots.ts';
import type { Context } from './context.ts';
import { endAfterDays } from './lifetime.ts';
import { robotName } from './names.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import { storedRole } from './stored-role.ts';

/** An account of a program. Times are seconds since the epoch. */
export interface Robot {
  name: string;
  description: string;
  isDisabled: boolean;
  role: Role | null; // on the whole namespace
  grants: readonly Grant[] | null; // what its secret is narrowed to
  createdAt: number;
  expiresAt: number | null; // of the secret
  lastUsedAt: number | null;
}

export interface NewRobot {
  name: string; // without the namespace
  description: string;
  role?: Role | undefined;
  grants: readonly Grant[] | null;
  expiresInDays: number | null;
}

/** What is to change; the rest stays. */
export interface RobotChange {
  description?: string | undefined;
  isDisabled?: boolean | undefined;
}

/** A robot with its secret, which is shown this once. */
export type RobotWithSecret = Robot & { secret: string };

/** Robots by name. */
export async function listRobots(
  { metadata }: Context,
  namespace: string,
  request: PageRequest,
): Promise<Page<Robot>> {
  const { entries, next } = await readPage(
    request,
    (after, limit) => metadata.robots.list(namespace, after, limit),
    (robot) => robot.name,
  );
  return { entries: entries.map(toRobot), next };
}

/**
 * Makes a robot with a secret. Without a role it gets the least that its grants need, and without
 * both none.
 *
 * @throws ACCOUNT_EXISTS
 */
export async function createRobot(
  context: Context,
  namespace: string,
  { name: ownName, description, grants, expiresInDays, ...given }: NewRobot,
): Promise<RobotWithSecret> {
  const { metadata, actor } = context;
  const name = robotName(namespace, ownName);
  const role = given.role ?? leastRole(grants ?? []);
  const secret = newSecret('robot');
  const limits = grants === null ? [] : [grants];
  const isCreated = await metadata.robots.create(
    namespace,
    { name, description, role },
    {
      id: crypto.randomUUID(),
      kind: 'robot',
      principal: name,
      name,
      secretHash: hashSecret(secret),
      limits: JSON.stringify(limits),
      grants: null,
      parent: null,
      trustRule: null,
      expiresAt: endAfterDays(expiresInDays),
    },
    actor,
    { event: 'robot.create', namespace, target: name, after: JSON.stringify({ role, grants }) },
  );
  if (!isCreated) {
    throw new RegistryError('ACCOUNT_EXISTS', 'there is a robot of that name');
  }
  return { ...(await getRobot(context, namespace, name)), secret };
}

/** Gives a robot another secret with the same limits; the old one dies. @throws ACCOUNT_UNKNOWN */
export async function replaceRobotSecret(
  context: Context,
  namespace: string,
  name: string,
  expiresInDays: number | null,
): Promise<RobotWithSecret> {
  const { metadata, actor } = context;
  const secret = newSecret('robot');
  const target = robotName(namespace, name);
  const isReplaced = await metadata.robots.replaceSecret(
    namespace,
    target,
    {
      id: crypto.randomUUID(),
      secretHash: hashSecret(secret),
      expiresAt: endAfterDays(expiresInDays),
    },
    actor,
    { event: 'robot.secret', namespace, target },
  );
  if (!isReplaced) {
    unknown();
  }
  return { ...(await getRobot(context, namespace, name)), secret };
}

/** @throws ACCOUNT_UNKNOWN */
export async function updateRobot(
  context: Context,
  namespace: string,
  name: string,
  change: RobotChange,
): Promise<Robot> {
  const { metadata, actor } = context;
  const { description, isDisabled } = await getRobot(context, namespace, name);
  const target = robotName(namespace, name);
  const entry = {
    event: 'robot.update',
    namespace,
    target,
    before: JSON.stringify({ description, isDisabled }),
    after: JSON.stringify(change),
  };
  if (!(await metadata.robots.update(namespace, target, change, actor, entry))) {
    unknown();
  }
  return getRobot(context, namespace, name);
}

/** Removes a robot with its roles and its secret. @throws ACCOUNT_UNKNOWN */
export async function deleteRobot(
  { metadata, actor }: Context,
  namespace: string,
  name: string,
): Promise<void> {
  const target = robotName(namespace, name);
  const entry = { event: 'robot.delete', namespace, target };
  if (!(await metadata.robots.delete(namespace, target, actor, entry))) {
    unknown();
  }
}

async function getRobot({ metadata }: Context, namespace: string, name: string): Promise<Robot> {
  return toRobot((await metadata.robots.find(namespace, robotName(namespace, name))) ?? unknown());
}

function leastRole(grants: readonly Grant[]): Role | null {
  const actions = grants.flatMap((grant) => grant.actions);
  if (actions.includes('delete')) {
    return 'maintainer';
  }
  return actions.includes('push') ? 'developer' : actions.includes('pull') ? 'reader' : null;
}

function toRobot({ limits, role, ...robot }: RobotRecord): Robot {
  const [grants = null] = JSON.parse(limits) as Grant[][];
  return { ...robot, role: role === null ? null : storedRole(role), grants };
}

function unknown(): never {
  throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such robot');
}
