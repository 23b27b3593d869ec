/** A registry that runs, and people who use the CLI: a process, its output and its exit code. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../../scripts/registry/local-registry.ts';

const CLI = resolve(import.meta.dirname, '../../../scripts/edgewater.ts');

export const ADMIN_PASSWORD = 'correct horse battery staple';
export const SECRET = /^ew[prt]_[a-z2-7]{38}\n$/;

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

export let folder: string;
export let registry: LocalRegistry;
let count = 0;

/** A number that no other name of this file has. */
export function nextNumber(): number {
  return count++;
}

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
export class Person {
  readonly home = join(folder, `home-${nextNumber()}`);
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
export function newAdmin(): Person {
  return new Person({ EDGEWATER_USER: 'admin', EDGEWATER_PASSWORD: ADMIN_PASSWORD });
}

export function statusFor(
  username: string,
  password: string,
  path = '/api/v1/me',
): Promise<number> {
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  const headers = { Authorization: `Basic ${pair}` };
  return fetch(`${registry.url}${path}`, { headers }).then(({ status }) => status);
}
