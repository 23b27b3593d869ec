import { ROLES, type Role } from '../auth/roles.ts';

/** The role that a row holds; what no version of the matrix knows gives nothing. */
export function storedRole(text: string): Role {
  return Object.hasOwn(ROLES, text) ? (text as Role) : 'none';
}
