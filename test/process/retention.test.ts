/** Retention and tag rules by the CLI. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/edgewater.ts');
const PASSWORD = 'correct horse battery staple';
const AUTHORIZATION = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
const INDEX = 'application/vnd.oci.image.index.v1+json';

let folder: string;
let registry: LocalRegistry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-retention-'));
  const state = join(folder, 'state');
  const options = { port: 0, host: '127.0.0.1', state, log: 'off' } as const;
  registry = await startRegistry({ ...options, adminPassword: PASSWORD });
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(args: readonly string[], input = '') {
  const login = { EDGEWATER_USER: 'admin', EDGEWATER_PASSWORD: PASSWORD };
  const env = { ...process.env, ...login, EDGEWATER_URL: registry.url, XDG_CONFIG_HOME: folder };
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: 'pipe' });
  const exited = new Promise<number | null>((done) => child.once('close', done));
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

/** As {@link run}, when nothing should go wrong. */
async function get(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

const json = async (...args: string[]) => JSON.parse(await get(...args, '--json'));

/** Pushes the smallest thing that can have a tag; it is another one each time. */
function push(repository: string, tag: string): Promise<Response> {
  const body = { schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { tag } };
  return fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { Authorization: AUTHORIZATION, 'Content-Type': INDEX },
    body: JSON.stringify({ ...body, time: Math.random() }),
  });
}

test('a policy by options: previewed, set, run, changed and removed', async () => {
  for (const tag of ['v1', 'v2', 'v3', 'latest']) {
    expect((await push('acme/app', tag)).status).toBe(201);
  }
  const rules = [
    '--keep-last',
    '1',
    '--include',
    'v*',
    '--exclude',
    'v1',
    '--delete-untagged-after',
    '30',
  ];
  const table = await get('retention', 'preview', 'acme', ...rules);
  expect(table).toMatch(/^acme\/app +v2 +sha256:[0-9a-f]{64} +\S+Z +- +delete +rule 2$/m);
  expect(table).toMatch(/^acme\/app +v3 .* keep +rule 1$/m);
  expect(table).toMatch(/\n4 tags: 1 would be deleted, 1 kept by rules, 2 named by no rule\n$/);
  const { tags } = await json('retention', 'preview', 'acme', ...rules, '--only', 'delete');
  expect(tags).toMatchObject([{ tag: 'v2', decision: 'delete' }]);

  expect(await get('retention', 'set', 'acme', ...rules)).toMatch(
    /^rule 2 +delete +\*\* +v\* +v1 +always$/m,
  );
  const selection = { repositories: '**', include: ['v*'], exclude: ['v1'] };
  const policy = await json('retention', 'show', 'acme');
  expect(policy).toMatchObject({
    isEnabled: true,
    everyHours: 24,
    rules: [
      { action: 'keep', ...selection, lastPushed: 1 },
      { action: 'delete', ...selection },
      { action: 'untagged', repositories: '**', olderThanDays: 30 },
    ],
  });
  expect(await json('retention', 'run', 'acme')).toMatchObject({ deletedTags: 1, isDone: true });
  const left = (await json('tag', 'list', 'acme/app')) as { name: string }[];
  expect(left.map(({ name }) => name)).toEqual(['latest', 'v1', 'v3']);
  expect(await get('audit', 'list', '--event', 'tag.delete')).toMatch(
    / retention +.* v2 .* rule 2$/m,
  );

  await get('retention', 'set', 'acme', '--disable', '--every-hours', '6');
  expect(await json('retention', 'show', 'acme')).toMatchObject({
    isEnabled: false,
    everyHours: 6,
    rules: policy.rules,
  });
  expect((await run(['retention', 'run', 'acme'])).stderr).toContain('disabled: enable it');
  await get('retention', 'remove', 'acme');
  expect((await run(['retention', 'show', 'acme'])).code).toBe(1);
});

test('rules from a file or standard input; what is shown can be set again', async () => {
  await push('files/app', 'v1');
  const file = join(folder, 'rules.json');
  await writeFile(file, JSON.stringify([{ action: 'delete', pushedBeforeDays: 90 }]));
  await get('retention', 'set', 'files', '--file', file);
  await writeFile(file, JSON.stringify([{ action: 'delete', repositories: 'files/**' }]));
  const { stdout, stderr } = await run(['retention', 'preview', 'files', '--file', file]);
  expect(stdout).toBe('0 tags\n');
  expect(stderr).toBe(
    'No rule that deletes tags is about a repository of files that has tags; "repositories" is a ' +
      'glob over the name without "files/"\n',
  );
  const shown = await get('retention', 'show', 'files', '--json');
  expect((await run(['retention', 'set', 'files', '--file', '-'], shown)).code).toBe(0);
  expect((await json('retention', 'show', 'files')).rules).toEqual(JSON.parse(shown).rules);
  const refused = await run(['retention', 'set', 'files', '--file', '-'], '[{"action":"keep"}]');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('rules: there are rules with "keep" and none with "delete"');
});

test.each([
  ['no rules', ['set', 'nothing']],
  ['tags, and nothing to do with them', ['set', 'acme', '--include', 'v*']],
  ['a file and options', ['preview', 'acme', '--file', 'x', '--keep-last', '3']],
  ['a file that is none', ['preview', 'acme', '--file', '/dev/null']],
])('%s: 2', async (_, args) => {
  const { code, stdout } = await run(['retention', ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('immutable tags', async () => {
  await push('fixed/app', 'v1');
  await push('fixed/app', 'dev-1');
  const nothing = await run(['tag', 'rules', 'set', 'fixed', '--except', 'latest']);
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('--immutable') });
  const rule = ['--immutable', '*', '--except', 'latest,dev-*'];
  await get('tag', 'rules', 'set', 'fixed', ...rule);
  await get('tag', 'rules', 'set', 'fixed', '--repository', 'fixed/free');
  expect(await json('tag', 'rules', 'show', 'fixed')).toEqual([
    { repository: null, immutable: ['*'], except: ['latest', 'dev-*'] },
    { repository: 'fixed/free', immutable: [], except: [] },
  ]);
  expect((await push('fixed/app', 'dev-1')).status).toBe(201);
  expect((await push('fixed/app', 'v1')).status).toBe(403);
  const { code, stderr } = await run(['tag', 'delete', 'fixed/app', 'v1']);
  expect(code).toBe(1);
  expect(stderr).toContain('the tag v1 cannot be deleted');
  await get('tag', 'rules', 'remove', 'fixed');
  await get('tag', 'delete', 'fixed/app', 'v1');
});
