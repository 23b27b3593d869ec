import type { Identity } from '../auth/identity.ts';
import { hashPassword, verifyPassword } from '../auth/passwords.ts';
import { RegistryError } from '../oci/errors.ts';
import type { UserRecord } from '../storage/metadata/users.ts';
import type { Context } from './context.ts';
import { checkUserName } from './names.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

/** A person's account, as others see it. */
export type User = Omit<UserRecord, 'password'>;

/** What is to change; the rest stays. */
export interface UserChange {
  password?: string | undefined;
  isAdmin?: boolean | undefined;
  isDisabled?: boolean | undefined;
}

/** Users by name. */
export async function listUsers({ metadata }: Context, request: PageRequest): Promise<Page<User>> {
  const { entries, next } = await readPage(
    request,
    (after, limit) => metadata.users.list(after, limit),
    (user) => user.name,
  );
  return { entries: entries.map(toUser), next };
}

/** @throws ACCOUNT_UNKNOWN */
export async function getUser({ metadata }: Context, name: string): Promise<User> {
  return toUser((await metadata.users.find(name)) ?? unknown());
}

/** @throws ACCOUNT_INVALID for a reserved name, ACCOUNT_EXISTS */
export async function createUser(
  context: Context,
  { name, password, isAdmin }: { name: string; password: string; isAdmin: boolean },
): Promise<User> {
  checkUserName(name);
  const { metadata, actor } = context;
  const user = { name, password: await hashPassword(password), isAdmin };
  const entry = { event: 'user.create', target: name, after: JSON.stringify({ isAdmin }) };
  if (!(await metadata.users.create(user, actor, entry))) {
    throw new RegistryError('ACCOUNT_EXISTS', 'there is a user of that name');
  }
  return getUser(context, name);
}

/**
 * Changes a user. A new password, and being disabled, end refresh tokens and temporary credentials.
 *
 * @throws ACCOUNT_UNKNOWN
 */
export async function updateUser(
  context: Context,
  name: string,
  change: UserChange,
): Promise<User> {
  const before = await getUser(context, name);
  await store(context, before, change);
  return getUser(context, name);
}

/**
 * Changes the caller's own password. It takes a login with the password: with a token, guesses of
 * the password could be tried here without the throttle of logins.
 *
 * @throws DENIED, or ACCOUNT_INVALID when `current` is not the password
 */
export async function changePassword(
  context: Context,
  identity: Identity,
  { current, password }: { current: string; password: string },
): Promise<void> {
  const user = await context.metadata.users.find(identity.principal);
  if (user === null || identity.kind !== 'user') {
    throw new RegistryError('DENIED', 'the password of this account is kept elsewhere');
  }
  if (identity.credential !== null) {
    throw new RegistryError('DENIED', 'log in with the password to change it');
  }
  if (!(await verifyPassword(current, user.password))) {
    throw new RegistryError('ACCOUNT_INVALID', 'the current password is not right');
  }
  await store(context, user, { password });
}

/** Removes a user with roles and tokens. @throws ACCOUNT_UNKNOWN */
export async function deleteUser({ metadata, actor }: Context, name: string): Promise<void> {
  if (!(await metadata.users.delete(name, actor, { event: 'user.delete', target: name }))) {
    unknown();
  }
}

async function store(
  { metadata, actor }: Context,
  { name, isAdmin, isDisabled }: User,
  { password, ...change }: UserChange,
): Promise<void> {
  const hash = password === undefined ? undefined : await hashPassword(password);
  const entry = {
    event: 'user.update',
    target: name,
    before: JSON.stringify({ isAdmin, isDisabled }),
    after: JSON.stringify({ ...change, ...(password !== undefined && { password: 'changed' }) }),
  };
  if (!(await metadata.users.update(name, { ...change, password: hash }, actor, entry))) {
    unknown();
  }
}

function toUser({ name, isAdmin, isDisabled, createdAt }: UserRecord): User {
  return { name, isAdmin, isDisabled, createdAt };
}

function unknown(): never {
  throw new RegistryError('ACCOUNT_UNKNOWN', 'there is no such user');
}
