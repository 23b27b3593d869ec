/** Mirrors by the CLI. */
import { expect, test } from 'vitest';
import { newAdmin, Person } from './place.ts';

const PASSWORD = 'a token of the upstream';

test('a known registry by its name, shown, changed and removed', async () => {
  const admin = newAdmin();
  expect(await admin.get('mirror', 'add', 'quay.io')).toBe(
    'quay.io is a mirror of https://quay.io\n',
  );
  expect(await admin.get('mirror', 'list')).toMatch(
    /^quay\.io +https:\/\/quay\.io +- +\*\* +all +5m$/m,
  );
  await admin.get('mirror', 'set', 'quay.io', '--tag-max-age', '12h', '--keep', '50GB');
  await admin.get('mirror', 'set', 'quay.io', '--platforms', 'linux/amd64,linux/arm64');
  const shown = await admin.get('mirror', 'show', 'quay.io');
  expect(shown).toMatch(/^tags asked for after +12h$/m);
  expect(shown).toMatch(/^keeps +50\.0 GB$/m);
  expect(shown).toMatch(/^platforms +linux\/amd64 linux\/arm64$/m);
  expect(shown).toMatch(/^paused until +-$/m);
  await admin.get('mirror', 'set', 'quay.io', '--platforms', 'all');
  expect(await admin.json('mirror', 'show', 'quay.io')).toMatchObject({
    platforms: null,
    tagMaxAge: 43_200,
    status: { pausedUntil: null },
  });
  await admin.get('mirror', 'remove', 'quay.io');
  expect((await admin.run(['mirror', 'show', 'quay.io'])).code).toBe(1);
});

test('Docker Hub with a login, whose password is asked for once and never shown', async () => {
  const admin = newAdmin();
  const options = ['--username', 'acme', '--password-stdin', '--repositories', 'library/*'];
  const { code, stdout, stderr } = await admin.run(
    ['mirror', 'add', 'docker.io', ...options, '--public', '--json'],
    `${PASSWORD}\n`,
  );
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    url: 'https://registry-1.docker.io',
    tokenHost: 'auth.docker.io',
    username: 'acme',
    repositories: ['library/*'],
  });
  await admin.get('mirror', 'set', 'docker.io', '--on-failure', 'fail', '--on-missing', 'keep');
  const shown = await admin.get('mirror', 'show', 'docker.io');
  expect(shown).toMatch(/^login +acme$/m);
  expect(shown).toMatch(/^no answer there +an error$/m);
  const elsewhere = await admin.run(['mirror', 'set', 'docker.io', '--url', 'https://quay.io']);
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.stderr).toContain('give it again');
  expect(stdout + shown + elsewhere.stderr).not.toContain(PASSWORD);
  await admin.get('mirror', 'set', 'docker.io', '--anonymous');
  expect(await admin.json('mirror', 'show', 'docker.io')).toMatchObject({ username: null });
});

test('adding one that is there: 1, and nothing of it changes', async () => {
  const admin = newAdmin();
  await admin.run(
    ['mirror', 'add', 'gcr.io', '--username', 'acme', '--password-stdin', '--tag-max-age', '1h'],
    `${PASSWORD}\n`,
  );
  const { code, stderr } = await admin.run(['mirror', 'add', 'gcr.io', '--public']);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stderr).toContain('edgewater mirror set gcr.io');
  expect(await admin.json('mirror', 'show', 'gcr.io')).toMatchObject({
    username: 'acme',
    tagMaxAge: 3600,
  });
});

test('a token host that is not needed any more', async () => {
  const admin = newAdmin();
  await admin.get('mirror', 'add', 'ghcr.io', '--token-host', 'auth.example.com');
  expect(await admin.json('mirror', 'show', 'ghcr.io')).toMatchObject({
    tokenHost: 'auth.example.com',
  });
  await admin.get('mirror', 'set', 'ghcr.io', '--token-host', 'none');
  expect(await admin.json('mirror', 'show', 'ghcr.io')).toMatchObject({ tokenHost: null });
});

test('what the registry refuses: 1, and why', async () => {
  const { code, stderr } = await newAdmin().run([
    ...['mirror', 'add', 'lab.example', '--url', 'http://127.0.0.1:5000'],
  ]);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stderr).toMatch(/^edgewater: .*not https.*\n$/);
  expect((await new Person().run(['mirror', 'list'])).code).toBe(1);
});

test.each([
  ['a registry that nobody knows', ['add', 'registry.example']],
  ['a time without a unit', ['add', 'quay.io', '--tag-max-age', '5']],
  ['a password of nobody', ['add', 'quay.io', '--password-stdin']],
  ['a login and none', ['add', 'quay.io', '--username', 'x', '--anonymous']],
  ['a word that means nothing', ['add', 'quay.io', '--on-failure', 'panic']],
  ['a password, and no terminal to ask at', ['add', 'quay.io', '--username', 'x']],
])('%s: 2', async (_, args) => {
  const { code, stdout } = await newAdmin().run(['mirror', ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});
