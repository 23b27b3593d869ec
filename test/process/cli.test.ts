/** The CLI as people and scripts run it: a process, its output and its exit code. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../scripts/registry/local-registry.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/edgewater.ts');
const ADMIN_PASSWORD = 'correct horse battery staple';
const ALICE_PASSWORD = 'a password of alice';
const SECRET = /^ew[prt]_[a-z2-7]{38}\n$/;

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

let folder: string;
let registry: LocalRegistry;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewater-cli-'));
  registry = await startRegistry({
    port: 0,
    host: '127.0.0.1',
    state: join(folder, 'state'),
    log: 'off',
    adminPassword: ADMIN_PASSWORD,
  });
});

afterAll(async () => {
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Somebody at a machine, with a home of their own. */
class Person {
  readonly home = join(folder, `home-${count++}`);
  readonly config = join(this.home, 'edgewater', 'config.json');
  readonly #variables: Record<string, string>;

  constructor(variables: Record<string, string> = {}) {
    this.#variables = { EDGEWATER_URL: registry.url, ...variables };
  }

  /** Runs the CLI with what is piped into it. */
  async run(args: readonly string[], input = ''): Promise<Run> {
    const { EDGEWATER_URL, EDGEWATER_USER, EDGEWATER_PASSWORD, ...inherited } = process.env;
    const env = { ...inherited, XDG_CONFIG_HOME: this.home, ...this.#variables };
    const child = spawn(process.execPath, [CLI, ...args], { env, stdio: 'pipe' });
    const exited = new Promise<number | null>((done) => child.once('close', done));
    child.stdin.on('error', () => null); // it may end without reading
    child.stdin.end(input);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await exited, stdout, stderr };
  }

  /** As {@link run}, when nothing should go wrong: what it printed. */
  async get(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    expect(code, stderr).toBe(0);
    return stdout;
  }

  /** As {@link get}, with --json. */
  async json(...args: string[]): Promise<unknown> {
    return JSON.parse(await this.get(...args, '--json'));
  }

  async logIn(username: string, password: string): Promise<void> {
    const { code, stderr } = await this.run(
      ['login', '-u', username, '--password-stdin'],
      password,
    );
    expect(code, stderr).toBe(0);
  }
}

/** The administrator, by the environment. */
function newAdmin(): Person {
  return new Person({ EDGEWATER_USER: 'admin', EDGEWATER_PASSWORD: ADMIN_PASSWORD });
}

function statusFor(username: string, password: string, path = '/api/v1/me'): Promise<number> {
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  const headers = { Authorization: `Basic ${pair}` };
  return fetch(`${registry.url}${path}`, { headers }).then(({ status }) => status);
}

describe('login', () => {
  test('keeps a token, not the password, for its owner alone; logout revokes it', async () => {
    const admin = new Person();
    await admin.logIn('admin', `${ADMIN_PASSWORD}\n`);
    const kept = await readFile(admin.config, 'utf8');
    expect(kept).not.toContain(ADMIN_PASSWORD);
    expect((await stat(admin.config)).mode & 0o777).toBe(0o600);
    const { secret } = JSON.parse(kept).logins[registry.url];
    expect(await admin.json('whoami')).toMatchObject({ principal: 'admin', isAdmin: true });
    expect(await statusFor('admin', secret)).toBe(200);

    await admin.get('logout');
    expect(await statusFor('admin', secret)).toBe(401);
    expect(await readFile(admin.config, 'utf8')).not.toContain(secret);
    expect((await admin.run(['whoami'])).code).toBe(1);
  });

  test('a second one revokes the token of the first', async () => {
    const admin = new Person();
    await admin.logIn('admin', ADMIN_PASSWORD);
    const first = JSON.parse(await readFile(admin.config, 'utf8')).logins[registry.url].secret;
    await admin.logIn('admin', ADMIN_PASSWORD);
    expect(await statusFor('admin', first)).toBe(401);
    expect(await admin.json('whoami')).toMatchObject({ principal: 'admin' });
    await admin.get('logout');
  });

  test('a wrong password is refused in one line, and nothing is kept', async () => {
    const person = new Person();
    const login = ['login', '-u', 'nobody', '--password-stdin'];
    const { code, stdout, stderr } = await person.run(login, 'not the password');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('edgewater: the user name or the password is not right\n');
    await expect(stat(person.config)).rejects.toThrow('ENOENT');
  });

  test('without a terminal it says how to give the password', async () => {
    const { code, stderr } = await new Person().run(['login', '-u', 'admin']);
    expect(code).toBe(2);
    expect(stderr).toContain('--password-stdin');
  });

  test('the login of one registry is not sent to another', async () => {
    const admin = new Person();
    await admin.logIn('admin', ADMIN_PASSWORD);
    const { url, headers, stop } = await listen(401);
    await admin.run(['whoami', '--registry', url]);
    await stop();
    expect(headers).toEqual([undefined]);
    await admin.get('logout');
  });

  test('an open registry needs none', async () => {
    const { url, stop } = await listen(200);
    const { code, stdout } = await new Person().run(['login', '--registry', url]);
    await stop();
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('is open') });
  });

  test('passwords do not leave the machine in the clear', async () => {
    const admin = newAdmin();
    const { code, stderr } = await admin.run(['whoami', '--registry', 'http://192.0.2.1']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('https') });
  });
});

/** A server that answers everything with one status and notes who asked. */
async function listen(status: number) {
  const headers: (string | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    headers.push(request.headers.authorization);
    response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const stop = () => new Promise((done) => server.close(done));
  return { url: `http://127.0.0.1:${port}`, headers, stop };
}

describe('administration', () => {
  let admin: Person;
  let namespace: string;

  beforeEach(async () => {
    admin = newAdmin();
    namespace = `team-${count++}`;
    await admin.get('namespace', 'create', namespace);
  });

  test('users', async () => {
    const alice = `alice-${count++}`;
    const create = ['user', 'create', alice, '--password-stdin'];
    expect((await admin.run(create, 'short')).stderr).toMatch(/^edgewater: .*password.*\n$/);
    expect((await admin.run(create, ALICE_PASSWORD)).code).toBe(0);
    expect(await admin.get('user', 'list')).toMatch(new RegExp(`^${alice} +no +no `, 'm'));
    expect(await statusFor(alice, ALICE_PASSWORD)).toBe(200);
    await admin.get('user', 'disable', alice);
    expect(await statusFor(alice, ALICE_PASSWORD)).toBe(401);
    await admin.get('user', 'enable', alice);
    const another = 'another password';
    await admin.run(['user', 'set-password', alice, '--password-stdin'], another);
    expect(await statusFor(alice, another)).toBe(200);
    const person = new Person({ EDGEWATER_USER: alice, EDGEWATER_PASSWORD: another });
    const lines = `${another}\n${ALICE_PASSWORD}\n`;
    expect((await person.run(['password', '--password-stdin'], lines)).code).toBe(0);
    expect(await statusFor(alice, ALICE_PASSWORD)).toBe(200);
    await admin.get('user', 'delete', alice);
    expect(await admin.get('user', 'list')).not.toContain(alice);
  });

  test('namespaces', async () => {
    const { code, stderr } = await admin.run(['namespace', 'create', namespace]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'edgewater: Conflict: there is a namespace of that name\n',
    });
    await admin.get('namespace', 'set', namespace, '--public', '--explicit');
    const settings = { name: namespace, isPublic: true, createsOnPush: false };
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject(settings);
    expect(await admin.json('namespace', 'list')).toContainEqual(expect.objectContaining(settings));
    await admin.get('namespace', 'delete', namespace);
    expect((await admin.run(['namespace', 'show', namespace])).code).toBe(1);
  });

  test('quotas and usage', async () => {
    const set = ['namespace', 'set', namespace];
    await admin.get(...set, '--quota', '1.5GB', '--quota-repositories', '1', '--explicit');
    await admin.get(...set, '--quota-warning', '90');
    await admin.get('repo', 'create', `${namespace}/app`);
    const usage = {
      level: 'full',
      warningPercent: 90,
      bytes: { used: 0, quota: 1_500_000_000, percent: 0 },
      repositories: { used: 1, quota: 1, percent: 100 },
    };
    const shown = { name: namespace, createsOnPush: false, usage };
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject(shown);
    expect(await admin.json('usage')).toContainEqual(expect.objectContaining(shown));
    const { stdout, stderr } = await admin.run(['usage']);
    expect(stdout).toMatch(/ 0 B +1\.50 GB +0 +90 +1 of 1 +full$/m);
    expect(stderr).toContain(`${namespace} is full`);
    expect(await admin.get('namespace', 'show', namespace)).toMatch(/^warning from % +90$/m);
    expect(await admin.get('usage', namespace)).toMatch(new RegExp(`^${namespace}/app +0 B$`, 'm'));
    const totals = { bytes: 0, repositories: 1 };
    expect(await admin.json('usage', namespace, '--recount')).toEqual([
      { namespace, kept: totals, counted: totals },
    ]);
    const refused = await admin.run(['repo', 'create', `${namespace}/second`]);
    expect(refused.stderr).toContain('it uses 1 of 1 repositories; delete one, or ask');
    await admin.get(...set, '--quota', 'none', '--quota-repositories', 'none');
    expect(await admin.json('namespace', 'show', namespace)).toMatchObject({
      usage: { level: 'ok', bytes: { quota: null }, repositories: { quota: null } },
    });
    expect((await admin.run([...set, '--quota', '5 stones'])).code).toBe(2);
  });

  test('members, and the explanation of what they may do', async () => {
    const alice = `alice-${count++}`;
    await admin.run(['user', 'create', alice, '--password-stdin'], ALICE_PASSWORD);
    await admin.get('member', 'set', namespace, alice, 'developer');
    await admin.get('member', 'set', namespace, alice, 'reader', '--repositories', 'base/*');
    await admin.get('member', 'set', namespace, '*', 'reader');
    expect(await admin.json('member', 'list', namespace)).toEqual([
      { principal: '*', repositories: '**', role: 'reader' },
      { principal: alice, repositories: '**', role: 'developer' },
      { principal: alice, repositories: 'base/*', role: 'reader' },
    ]);
    const explain = (name: string) => admin.get('explain', alice, 'push', `${namespace}/${name}`);
    expect(await explain('app')).toMatch(/^allowed: /);
    expect(await explain('base/go')).toMatch(/^refused: /);
    await admin.get('member', 'remove', namespace, alice, '--repositories', 'base/*');
    expect(await explain('base/go')).toMatch(/^allowed: /);
  });

  test('robots', async () => {
    const name = `${namespace}+ci`;
    const create = ['robot', 'create', namespace, 'ci', '--role', 'developer'];
    const { stdout, stderr } = await admin.run([...create, '--expires-in-days', 'never']);
    expect(stdout).toMatch(SECRET);
    expect(stderr).toContain(name);
    expect(await statusFor(name, stdout.trim())).toBe(200);
    const robots = await admin.json('robot', 'list', namespace);
    expect(robots).toMatchObject([{ name, role: 'developer', expiresAt: null }]);
    const secret = await admin.get('robot', 'secret', namespace, 'ci');
    expect(await statusFor(name, stdout.trim())).toBe(401);
    expect(await statusFor(name, secret.trim())).toBe(200);
    await admin.get('robot', 'disable', namespace, 'ci');
    expect(await statusFor(name, secret.trim())).toBe(401);
    await admin.get('robot', 'enable', namespace, name);
    await admin.get('robot', 'delete', namespace, name);
    expect(await admin.json('robot', 'list', namespace)).toEqual([]);
  });

  test('trust rules', async () => {
    const allow = ['--allow', `pull,push:${namespace}/app`];
    await admin.get('trust', 'create', namespace, 'github', '--github', 'octo-org/app', ...allow);
    const claims = ['--claim', 'project_path=octo/app', '--claim', 'ref=main', '--claim', 'ref=v*'];
    const issuer = ['--issuer', 'https://gitlab.example', '--audience', 'edgewater'];
    await admin.get('trust', 'create', namespace, 'gitlab', ...issuer, ...claims, ...allow);
    expect(await admin.json('trust', 'list', namespace)).toMatchObject([
      {
        name: 'github',
        issuer: 'https://token.actions.githubusercontent.com',
        audience: registry.url,
        claims: { repository: ['octo-org/app'] },
        grants: [{ repositories: `${namespace}/app`, actions: ['pull', 'push'] }],
      },
      {
        name: 'gitlab',
        audience: 'edgewater',
        claims: { project_path: ['octo/app'], ref: ['main', 'v*'] },
      },
    ]);
    await admin.get('trust', 'delete', namespace, 'github');
    expect(await admin.json('trust', 'list', namespace)).toHaveLength(1);
    const open = await admin.run(['trust', 'create', namespace, 'any', ...issuer, ...allow]);
    expect(open).toMatchObject({ code: 2, stderr: expect.stringContaining('--claim') });
  });

  test('network rules', async () => {
    const cidrs = ['192.0.2.0/24', '2001:db8::/32'];
    const set = ['network', 'set', namespace];
    await admin.get(
      ...set,
      '--push-cidr',
      cidrs.join(),
      '--pull-country',
      'ch',
      '--pull-asn',
      '64496',
    );
    const rules = { pull: { countries: ['CH'], asns: [64496] }, push: { cidrs } };
    expect(await admin.json('network', 'show', namespace)).toEqual(rules);
    const file = join(folder, 'rules.json');
    await writeFile(file, JSON.stringify({ push: { cidrs } }));
    await admin.get(...set, '--file', file);
    expect(await admin.json('network', 'show', namespace)).toEqual({ push: { cidrs } });
    expect((await admin.run([...set, '--push-cidr', '300.0.0.0/8'])).code).toBe(1);
    expect((await admin.run(set)).code).toBe(2);
    await admin.get('network', 'clear', namespace);
    expect(await admin.json('network', 'show', namespace)).toEqual({});
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

  test('what a namespace, a file or a folder is not: nothing is left behind, and it is said', async () => {
    const target = join(folder, `target-${count++}`);
    const stranger = new Person({
      EDGEWATER_USER: 'admin',
      EDGEWATER_PASSWORD: 'not the password',
    });
    for (const args of [
      ['export', `${namespace}/none:v1`, target],
      ['export', `${namespace}/none:v1`, `${target}.tar`],
      ['backup', target],
    ]) {
      expect((await stranger.run(args)).code).toBe(1);
    }
    expect((await readdir(folder)).filter((name) => name.startsWith('target'))).toEqual([]);
    const archive = await admin.run(['export', `${namespace}/none:v1`, `${target}.tgz`]);
    expect(archive).toMatchObject({ code: 2, stderr: expect.stringContaining('a .tar file') });
    const missing = await admin.run(['restore', target]);
    expect(missing.stderr).toBe(`edgewater: ${target}: no such file or directory\n`);
    const rules = await admin.run(['retention', 'set', namespace, '--file', target]);
    expect(rules.stderr).toBe(`edgewater: --file: ${target}: no such file or directory\n`);
    const copy = (await admin.json('copy', 'make')) as { copy: string };
    const into = join(target, 'copy');
    expect((await admin.run(['copy', 'download', copy.copy, into])).stderr).toBe(
      `edgewater: ${into}.part: no such file or directory\n`,
    );
  });

  test('npm run edgewater: paths are from where one stands', async () => {
    await writeFile(join(folder, 'here.json'), '[{"action":"delete","pushedBeforeDays":90}]');
    const person = new Person({
      EDGEWATER_USER: 'admin',
      EDGEWATER_PASSWORD: ADMIN_PASSWORD,
      INIT_CWD: folder,
      npm_lifecycle_event: 'edgewater',
    });
    await person.get('retention', 'preview', namespace, '--file', 'here.json');
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

describe('secrets', () => {
  test('a credential is alone on standard output, and logs in to /v2', async () => {
    const admin = newAdmin();
    const options = ['--minutes', '5', '--allow', 'pull:acme/**', '--allow', 'push:acme/app'];
    const { code, stdout, stderr } = await admin.run(['credential', ...options]);
    expect(code).toBe(0);
    expect(stdout).toMatch(SECRET);
    expect(stderr).toContain('admin');
    expect(await statusFor('admin', stdout.trim(), '/v2/')).toBe(200);
    const limited = new Person({ EDGEWATER_USER: 'admin', EDGEWATER_PASSWORD: stdout.trim() });
    expect((await limited.run(['user', 'list'])).code).toBe(1);
    expect(await admin.json('credential')).toEqual({
      username: 'admin',
      password: expect.stringMatching(/^ewt_/),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await admin.run(['credential', '--allow', 'admin:acme/**'])).code).toBe(2);
  });

  test('a token that is made with the password outlives the login', async () => {
    const admin = new Person();
    await admin.logIn('admin', ADMIN_PASSWORD);
    const bound = (await admin.get('token', 'create', 'bound')).trim();
    const create = ['token', 'create', 'own', '--password-stdin', '--allow', 'pull:acme/**'];
    const own = (await admin.run([...create], ADMIN_PASSWORD)).stdout.trim();
    const tokens = (await admin.json('token', 'list')) as { id: string; name: string }[];
    await admin.get('logout');
    expect(await statusFor('admin', bound)).toBe(401);
    expect(await statusFor('admin', own)).toBe(200);
    const { id = '' } = tokens.find(({ name }) => name === 'own') ?? {};
    await newAdmin().get('token', 'revoke', id);
    expect(await statusFor('admin', own)).toBe(401);
  });
});

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
