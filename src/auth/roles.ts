/** What can be done with a repository. */
export const ACTIONS = ['pull', 'push', 'delete'] as const;

export type Action = (typeof ACTIONS)[number];

/** What can be done in a namespace: the actions on its repositories, and its administration. */
export type Permission = Action | 'create' | 'settings' | 'members';

/**
 * The role matrix. `create` makes repositories where pushes do not, `settings` are visibility, network
 * rules, retention and tag rules, `members` are members, robots and trust rules. The README repeats this
 * table and a test compares.
 */
export const ROLES = {
  none: [],
  reader: ['pull'],
  developer: ['pull', 'push'],
  maintainer: ['pull', 'push', 'delete', 'create'],
  admin: ['pull', 'push', 'delete', 'create', 'settings', 'members'],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof ROLES;

export function roleAllows(role: Role, permission: Permission): boolean {
  return (ROLES[role] as readonly Permission[]).includes(permission);
}
