/** What the CLI does not do, and how it says so. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ADMIN_PASSWORD, folder, newAdmin, nextNumber, Person, registry } from './place.ts';

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

describe('files', () => {
  test('of which nothing is left behind when the registry refuses', async () => {
    const target = join(folder, `target-${nextNumber()}`);
    const stranger = new Person({
      EDGEWATER_USER: 'admin',
      EDGEWATER_PASSWORD: 'not the password',
    });
    for (const args of [
      ['export', 'acme/none:v1', target],
      ['export', 'acme/none:v1', `${target}.tar`],
      ['backup', target],
    ]) {
      expect((await stranger.run(args)).code).toBe(1);
    }
    expect((await readdir(folder)).filter((name) => name.startsWith('target'))).toEqual([]);
  });

  test('that are not there, or of another kind, are named', async () => {
    const admin = newAdmin();
    const target = join(folder, `target-${nextNumber()}`);
    const archive = await admin.run(['export', 'acme/none:v1', `${target}.tgz`]);
    expect(archive).toMatchObject({ code: 2, stderr: expect.stringContaining('a .tar file') });
    const missing = await admin.run(['restore', target]);
    expect(missing.stderr).toBe(`edgewater: ${target}: no such file or directory\n`);
    const rules = await admin.run(['retention', 'set', 'acme', '--file', target]);
    expect(rules.stderr).toBe(`edgewater: --file: ${target}: no such file or directory\n`);
  });

  test('are named from where one stands, also by npm run edgewater', async () => {
    const name = 'here.json';
    await writeFile(join(folder, name), '[{"action":"delete","pushedBeforeDays":90}]');
    const namespace = `team-${nextNumber()}`;
    await newAdmin().get('namespace', 'create', namespace);
    const person = new Person({
      EDGEWATER_USER: 'admin',
      EDGEWATER_PASSWORD: ADMIN_PASSWORD,
      INIT_CWD: folder,
      npm_lifecycle_event: 'edgewater',
    });
    await person.get('retention', 'preview', namespace, '--file', name);
  });
});
