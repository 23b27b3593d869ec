/** Which row of a member counts, and what it allows. */
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { decide } from '../../src/auth/decide.ts';
import { ANONYMOUS, type Grant, type Identity } from '../../src/auth/identity.ts';
import { ACTIONS, type Action, ROLES, type Role } from '../../src/auth/roles.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { AccessRecord } from '../../src/storage/metadata/access.ts';

const options = { seed: inject('seed'), numRuns: 1000 };
const alice: Identity = { ...ANONYMOUS, principal: 'alice', kind: 'user' };

type Members = AccessRecord['members'];

function access(repository: string, members: Members, isPublic = false): AccessRecord {
  return {
    repository: repository as RepositoryName,
    exists: true,
    namespaceExists: true,
    isPublic,
    createsOnPush: true,
    isMirror: false,
    network: '{}',
    members,
  };
}

const row = (repositories: string, role: string, principal = 'alice') => ({
  principal,
  repositories,
  role,
});

function mayPull(name: string, members: Members, isPublic = false): boolean {
  return decide(alice, 'pull', access(`acme/${name}`, members, isPublic), null).allowed;
}

describe('of the rows that match', () => {
  test.each([
    ['a name of one letter', 'x', ['**', 'x']],
    ['a beginning of one letter', 'app', ['**', 'a*']],
    ['a star against two', 'app', ['**', '*']],
    ['a name against its beginning', 'app', ['app*', 'app']],
    ['a longer path', 'a/b/c', ['a/**', 'a/b/*']],
    ['many stars are not a long name', 'team/app', ['*/*', 'team/**']],
  ])('the most exact one counts: %s', (_title, name, [wide = '', exact = '']) => {
    for (const [members, allowed] of [
      [[row(wide, 'reader'), row(exact, 'none')], false],
      [[row(wide, 'none'), row(exact, 'reader')], true],
    ] as const) {
      expect(mayPull(name, members)).toBe(allowed);
      expect(mayPull(name, members.toReversed())).toBe(allowed);
    }
  });

  test('the weaker role counts where both are as exact', () => {
    const members = [row('a*', 'none'), row('*p', 'admin')];
    expect(mayPull('ap', members)).toBe(false);
    expect(mayPull('ap', members.toReversed())).toBe(false);
  });

  test('the order in which they are stored does not count', () => {
    const globs = fc.constantFrom('**', '*', 'a', 'a*', '*a', 'a/**', 'a/b', 'b', '*/*', '**/b');
    const roles = fc.constantFrom(...(Object.keys(ROLES) as Role[]));
    const members = fc.array(fc.tuple(globs, roles).map(([glob, role]) => row(glob, role)));
    fc.assert(
      fc.property(members, fc.constantFrom('a', 'b', 'a/b', 'b/a', 'c'), (rows, name) => {
        expect(mayPull(name, rows)).toBe(mayPull(name, rows.toReversed()));
      }),
      options,
    );
  });

  test('a role that nobody knows allows nothing', () => {
    for (const role of ['owner', '__proto__', 'toString', '']) {
      expect(mayPull('app', [row('**', role)])).toBe(false);
      expect(mayPull('app', [row('**', role, '*')], true)).toBe(false);
    }
  });
});

describe('everybody', () => {
  test('reads a public namespace, but for what is taken out of it', () => {
    const hidden = [row('secret/**', 'none', '*')];
    expect(mayPull('app', hidden, true)).toBe(true);
    expect(mayPull('secret/app', hidden, true)).toBe(false);
    expect(mayPull('secret/app', [...hidden, row('**', 'reader')], true)).toBe(true);
  });

  test('reads what is opened in a private one', () => {
    const opened = [row('open/*', 'reader', '*')];
    expect(mayPull('open/app', opened)).toBe(true);
    expect(mayPull('app', opened)).toBe(false);
  });
});

describe('limits', () => {
  const grant = fc.record({
    repositories: fc.constantFrom('**', 'acme/*', 'acme/app', 'else/**'),
    actions: fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1 }),
  });
  const limits = fc.array(fc.array(grant, { minLength: 1 }));

  const allowed = (identity: Identity): Action[] =>
    ACTIONS.filter(
      (action) =>
        decide(identity, action, access('acme/app', [row('**', 'developer')]), null).allowed,
    );

  test('one more never allows more, not even to a system administrator', () => {
    fc.assert(
      fc.property(limits, fc.array(grant), fc.boolean(), (given, more: Grant[], isAdmin) => {
        const identity = { ...alice, isAdmin, limits: given };
        const narrower = { ...identity, limits: [...given, more] };
        const before = allowed(identity);
        expect(allowed(narrower).every((action) => before.includes(action))).toBe(true);
      }),
      options,
    );
  });

  test('an empty list allows nothing', () => {
    expect(allowed({ ...alice, isAdmin: true, limits: [[]] })).toEqual([]);
  });
});
