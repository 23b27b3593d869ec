/** What the CLI does not do, and how it says so. */
import { describe, expect, test } from 'vitest';
import { newAdmin, Person, registry } from './place.ts';

describe('what cannot be done', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['whoami', '--frobnicate']],
    ['a missing argument', ['member', 'set', 'acme']],
    ['an unknown role', ['member', 'set', 'acme', 'alice', 'boss']],
    ['two settings that exclude each other', ['namespace', 'set', 'acme', '--public', '--private']],
    ['a name that would be another path', ['user', 'delete', '..']],
    ['an address that is none', ['whoami', '--registry', 'http://']],
  ])('%s: 2', async (_, args) => {
    const { code, stdout, stderr } = await newAdmin().run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  test('nobody is logged in: 1, and how to log in', async () => {
    const { code, stderr } = await new Person().run(['user', 'list']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `edgewater: nobody is logged in to ${registry.url}; log in with "edgewater login"\n`,
    });
  });

  test('nobody answers: 1, and where it asked', async () => {
    const { code, stderr } = await newAdmin().run(['whoami', '--registry', '127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^edgewater: no registry answers at http:\/\/127\.0\.0\.1:1 .*\n$/);
  });

  test('half a login in the environment: 2', async () => {
    const { code } = await new Person({ EDGEWATER_USER: 'admin' }).run(['whoami']);
    expect(code).toBe(2);
  });
});
