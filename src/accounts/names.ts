import { RegistryError } from '../oci/errors.ts';

/** Of users, of robots behind the "+", and of trust rules. */
export const ACCOUNT_NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
export const MIN_NAME_LENGTH = 2;
export const MAX_NAME_LENGTH = 64;

/** Of a namespace: one component of a repository name. */
export const NAMESPACE_NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
export const MAX_NAMESPACE_LENGTH = 128;

/** Names that a login understands in another way. */
const RESERVED = ['admin', 'anonymous', 'oidc', 'token'];

/**
 * Refuses the name of a user that would be taken for somebody else.
 *
 * @throws ACCOUNT_INVALID
 */
export function checkUserName(name: string): void {
  if (RESERVED.includes(name)) {
    throw new RegistryError('ACCOUNT_INVALID', `the name "${name}" is reserved`);
  }
}

/** The whole name of a robot, by that or by its own name. */
export function robotName(namespace: string, name: string): string {
  return name.startsWith(`${namespace}+`) ? name : `${namespace}+${name}`;
}

/** The namespace that owns a robot; null for what is no robot's name. */
export function namespaceOfRobot(principal: string): string | null {
  const plus = principal.indexOf('+');
  return plus === -1 ? null : principal.slice(0, plus);
}
