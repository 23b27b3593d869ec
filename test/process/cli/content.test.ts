/** What is in a namespace, what was deleted there, and what the log says of it. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  ADMIN_PASSWORD,
  folder,
  newAdmin,
  nextNumber,
  type Person,
  registry,
  statusFor,
} from './place.ts';

describe('content', () => {
  let admin: Person;
  let namespace: string;

  beforeEach(async () => {
    admin = newAdmin();
    namespace = `team-${nextNumber()}`;
    await admin.get('namespace', 'create', namespace);
  });

  test('repositories and tags', async () => {
    const name = `${namespace}/some/app`;
    await admin.get('repo', 'create', name);
    expect(await admin.json('repo', 'list', namespace)).toEqual([{ name }]);
    expect(await admin.json('repo', 'list')).toContainEqual({ name });
    await pushTag(name, 'v1');
    expect(await admin.json('tag', 'list', name)).toMatchObject([{ name: 'v1', pulls: 0 }]);
    expect(await admin.get('tag', 'list', name)).toMatch(
      /^tag +digest +size +pushed +last pulled +pulls/,
    );
    const digest = `sha256:${'a'.repeat(64)}`;
    expect((await admin.run(['tag', 'delete', name, digest])).code).toBe(2);
    await admin.get('tag', 'delete', name, 'v1');
    expect(await admin.json('tag', 'list', name)).toEqual([]);
    expect((await admin.run(['tag', 'delete', name, 'v1'])).code).toBe(1);
  });

  test('what is collected, and why something is not', async () => {
    const name = `${namespace}/kept`;
    const digest = await pushTag(name, 'v1');
    const preview = await admin.get('gc', '--dry-run');
    expect(preview).toMatch(/blobs that nobody needs, into the trash +\d+ +[\d.]+ k?B/);
    expect(preview).toContain('waiting: objects in the trash');
    expect(preview).toMatch(/^waiting: manifests and blobs to look at, next +\d+ +- +/m);
    expect(await admin.json('gc')).toMatchObject({ manifests: 0, isDone: true });
    expect(await admin.get('why', digest)).toMatch(/tagged v1/);
    const inNamespace = await admin.json('why', digest, '--namespace', namespace);
    expect(inNamespace).toMatchObject({ digest, reasons: [{ repository: name, until: null }] });
    expect((await admin.run(['why', 'latest'])).code).toBe(1);
  });

  test('what was deleted is listed, restored and purged', async () => {
    const name = `${namespace}/some/app`;
    await pushTag(name, 'v1');
    const [now] = (await admin.json('tag', 'history', name, 'v1')) as { digest: string }[];
    const digest = now?.digest ?? '';
    expect(await admin.get('tag', 'show', name, 'v1', '--at', '0s')).toBe(`${digest}\n`);
    expect(await admin.get('tag', 'list', name)).toContain(` ${digest} `);
    expect((await admin.run(['tag', 'show', name, 'v1@now'])).stderr).toContain('--at <time>');
    expect((await admin.run(['tag', 'show', name, 'v1', '--at', '1d'])).code).toBe(1);
    await admin.get('tag', 'delete', name, 'v1');
    expect(await admin.json('deleted', 'tags', name)).toMatchObject([{ name: 'v1', digest }]);
    expect(await admin.get('tag', 'restore', name, 'v1')).toContain(digest);
    expect(await admin.json('tag', 'list', name)).toMatchObject([{ name: 'v1' }]);
    expect(
      (await admin.run(['tag', 'restore', name, 'v1', '--at', '1d', '--digest', digest])).code,
    ).toBe(2);
    expect(await admin.get('tag', 'history', name, 'v1')).toContain('deleted');

    await admin.get('repo', 'delete', name);
    expect(await admin.get('why', digest)).toContain(`${name} (deleted, restorable until 2`);
    expect(await admin.json('repo', 'list', namespace)).toEqual([]);
    expect(await admin.json('repo', 'deleted', namespace)).toMatchObject([{ name }]);
    await admin.get('repo', 'restore', name);
    expect((await admin.run(['repo', 'restore', name])).code).toBe(1);
    expect(await admin.json('tag', 'list', name)).toMatchObject([{ name: 'v1' }]);
    expect(await admin.get('deleted', 'list', name)).toBe('');
    expect((await admin.run(['deleted', 'purge', name])).code).toBe(2);
    expect(await admin.json('deleted', 'purge', name, '--all')).toEqual({ purged: 0 });
    expect((await admin.run(['deleted', 'restore', name, `sha256:${'0'.repeat(64)}`])).code).toBe(
      1,
    );
    await admin.get('namespace', 'set', namespace, '--restore-days', '3');
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject({ restoreDays: 3 });
  });

  test('a manifest is deleted by its digest, with its tags', async () => {
    const name = `${namespace}/app`;
    const digest = await pushTag(name, 'v1');
    expect((await admin.run(['manifest', 'delete', name, 'v1'])).code).toBe(2);
    await admin.get('manifest', 'delete', name, digest);
    expect(await admin.json('tag', 'list', name)).toEqual([]);
    expect(await admin.json('deleted', 'list', name)).toMatchObject([{ digest, tags: ['v1'] }]);
    expect(await admin.get('deleted', 'purge', name, digest)).toMatch(/1 deleted manifest .* room/);
  });

  test('no days to keep is refused by the name of the option', async () => {
    const refused = await admin.run([
      'retention',
      'set',
      namespace,
      '--delete-untagged-after',
      '0',
    ]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--delete-untagged-after.*1 or more/),
    });
  });

  test('of several deleted repositories of one name each can be had back', async () => {
    const name = `${namespace}/app`;
    await pushTag(name, 'first');
    await admin.get('repo', 'delete', name);
    const [first] = (await admin.json('repo', 'deleted', namespace)) as { id: number }[];
    await pushTag(name, 'second');
    const byId = `edgewater repo restore ${name} --id ${first?.id}"`;
    const refused = await admin.run(['repo', 'restore', name]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(byId) });

    await admin.get('repo', 'delete', name);
    const restored = await admin.run(['repo', 'restore', name]);
    expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining(byId) });
    expect(await admin.json('tag', 'list', name)).toMatchObject([{ name: 'second' }]);
    await admin.get('repo', 'delete', name);
    await admin.get('repo', 'restore', name, '--id', String(first?.id));
    expect(await admin.json('tag', 'list', name)).toMatchObject([{ name: 'first' }]);

    const mistaken = await admin.run(['repo', 'deleted', name]);
    expect(mistaken).toMatchObject({ code: 2, stderr: expect.stringContaining('its namespace') });
  });

  test('a copy of the database is not downloaded into a folder that is not there', async () => {
    await pushTag(`${namespace}/app`, 'v1');
    const { copy } = (await admin.json('copy', 'make')) as { copy: string };
    const target = join(folder, 'missing', 'copy');
    expect((await admin.run(['copy', 'download', copy, target])).stderr).toBe(
      `edgewater: ${target}.part: no such file or directory\n`,
    );
  });

  test('the audit log', async () => {
    await admin.get('namespace', 'set', namespace, '--public');
    const filter = ['--namespace', namespace, '--event', 'namespace.update'];
    const lines = (await admin.get('audit', 'export', ...filter)).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'namespace.update', principal: 'admin', namespace },
    ]);
    expect(await admin.get('audit', 'list', ...filter)).toContain('namespace.update');
    const cut = await admin.run(['audit', 'list', '--limit', '1']);
    expect(cut.stderr).toContain('the newest 1 of the last day; --limit shows more');
    const none = await admin.run(['audit', 'list', '--event', 'nothing']);
    expect(none).toMatchObject({ stdout: '', stderr: expect.stringContaining('--since 7d') });
    const [newest] = (await admin.json('audit', 'list', '--limit', '1')) as { event: string }[];
    expect(newest).toMatchObject({ event: 'namespace.update' });
    expect((await admin.run(['audit', 'list', '--since', 'yesterday'])).code).toBe(2);
  });

  test('what a stranger wrote does not steer the terminal', async () => {
    await statusFor('\u001b]0;owned\u0007\u009b31m', 'wrong password');
    const table = await admin.get('audit', 'list', '--event', 'login.failed');
    const lines = await admin.get('audit', 'export', '--event', 'login.failed');
    expect(table).toContain('invalid'); // no name that anybody could have
    expect(lines).not.toContain('owned');
    expect((table + lines).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

/** Pushes the smallest thing that can have a tag: its digest. */
async function pushTag(repository: string, tag: string): Promise<string> {
  const pair = Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64');
  const type = 'application/vnd.oci.image.index.v1+json';
  const response = await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { Authorization: `Basic ${pair}`, 'Content-Type': type },
    body: JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [] }),
  });
  expect(response.status, await response.text()).toBe(201);
  return response.headers.get('Docker-Content-Digest') ?? '';
}
