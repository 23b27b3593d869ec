/** Globs, scopes, secrets and passwords: what has to hold of any text. */
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { parseCredentials } from '../../src/auth/credentials.ts';
import { globMatches } from '../../src/auth/globs.ts';
import { hashPassword, verifyPassword } from '../../src/auth/passwords.ts';
import { parseScopes } from '../../src/auth/scope.ts';
import { hashSecret, isSecret, newSecret } from '../../src/auth/secrets.ts';

const options = { seed: inject('seed'), numRuns: 500 };

/** The plain way to say what a glob is; it may take for ever, so texts are short. */
function oracle(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') {
      return '[^]*';
    }
    return part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}

const text = (letters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...letters), { maxLength }).map((chosen) => chosen.join(''));

describe('globs', () => {
  test('match what a regular expression matches', () => {
    fc.assert(
      fc.property(text('ab/*.', 8), text('ab/.', 10), (glob, value) => {
        expect(globMatches(glob, value)).toBe(oracle(glob).test(value));
      }),
      { ...options, numRuns: 5000 },
    );
  });

  test('do not take long, whatever they are', () => {
    // Tried one way after the other this would not end before the test's time.
    expect(globMatches(`${'*a'.repeat(100)}b`, 'a'.repeat(255))).toBe(false);
  });
});

describe('scopes', () => {
  test('of any text grant known actions on names that are names', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parameters) => {
        const { repositories } = parseScopes(parameters);
        for (const [name, actions] of repositories) {
          expect(name).toMatch(/^[a-z0-9]/);
          expect(actions.every((action) => ['pull', 'push', 'delete'].includes(action))).toBe(true);
        }
      }),
      options,
    );
  });

  test('are read from several parameters, and between spaces', () => {
    const { repositories, catalog } = parseScopes([
      'repository:a/b:pull repository:c:push,pull',
      'repository:a/b:delete',
      'registry:catalog:*',
      '',
    ]);
    expect(Object.fromEntries(repositories)).toEqual({
      'a/b': ['pull', 'delete'],
      c: ['pull', 'push'],
    });
    expect(catalog).toBe(true);
  });
});

describe('secrets', () => {
  test('know themselves, and no text with a letter changed', () => {
    for (const kind of ['personal', 'robot', 'temporary', 'refresh'] as const) {
      const secret = newSecret(kind);
      expect(isSecret(secret)).toBe(true);
      for (let place = 0; place < secret.length; place++) {
        const letter = secret[place] === 'a' ? 'b' : 'a';
        expect(isSecret(secret.slice(0, place) + letter + secret.slice(place + 1))).toBe(false);
      }
      expect(hashSecret(secret)).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(newSecret('robot')).not.toBe(newSecret('robot'));
  });

  test('are no text that somebody makes up', () => {
    fc.assert(
      fc.property(fc.string(), (value) => !isSecret(value)),
      options,
    );
  });
});

test('passwords are right or wrong, and each hash has its own salt', async () => {
  const [one, two] = await Promise.all([hashPassword('pässword:1'), hashPassword('pässword:1')]);
  expect(one).not.toBe(two);
  expect(await verifyPassword('pässword:1', one ?? '')).toBe(true);
  expect(await verifyPassword('password:1', one ?? '')).toBe(false);
  expect(await verifyPassword('x'.repeat(257), one ?? '')).toBe(false);
});

test('an Authorization header of any text is read or not, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('Basic ', 'Bearer ', ''), (value, scheme) => {
      expect(parseCredentials(scheme + value).scheme).toMatch(/^(none|basic|bearer|unknown)$/);
    }),
    options,
  );
  expect(parseCredentials(`Basic ${btoa('a:b:c')}`)).toEqual({
    scheme: 'basic',
    username: 'a',
    password: 'b:c',
  });
});
