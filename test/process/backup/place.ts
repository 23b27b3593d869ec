/** Registries of one administrator, one after the other, and the CLI that saves and restores them. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { type LocalRegistry, startRegistry } from '../../../scripts/registry/local-registry.ts';
import { useRegistry } from '../../support/client.ts';

export const CLI = resolve(import.meta.dirname, '../../../scripts/edgewater.ts');
const ADMIN_PASSWORD = 'correct horse battery staple';

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

export const ADMIN = basic('admin', ADMIN_PASSWORD);

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Waits until a program has ended. */
export async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Run> {
  const exited = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

/** A folder for everything, and the registry that runs in it now. */
export class Place {
  readonly folder: string;
  /** More of what the CLI finds in its environment. */
  environment: Readonly<Record<string, string | undefined>> = {};
  #registry: LocalRegistry | null = null;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'edgewater-backup-')));
  }

  get url(): string {
    return this.#registry?.url ?? '';
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Ends the registry that runs, and starts one on the state of that name. */
  async start(state: string): Promise<void> {
    await this.#registry?.stop();
    this.#registry = await startRegistry({
      port: 0,
      host: '127.0.0.1',
      state: this.path(state),
      log: 'off',
      adminPassword: ADMIN_PASSWORD,
      variables: { PULL_STATISTICS_INTERVAL: '1' },
    });
    useRegistry(this.url, (request) => {
      request.headers.set('Authorization', ADMIN);
      return fetch(request);
    });
  }

  async stop(): Promise<void> {
    await this.#registry?.stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The API as the administrator. */
  async api(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { Authorization: ADMIN, 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answer = await response.text();
    expect(response.ok, answer).toBe(true);
    return answer === '' ? {} : JSON.parse(answer);
  }

  /** Runs the CLI as the administrator. */
  async run(...args: string[]): Promise<Run> {
    return endOf(this.spawn(...args));
  }

  /** As {@link run}, and whoever started it may end it. */
  spawn(...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
    const { EDGEWATER_URL, ...inherited } = process.env;
    const env = {
      ...inherited,
      XDG_CONFIG_HOME: this.path('home'),
      EDGEWATER_URL: this.url,
      EDGEWATER_USER: 'admin',
      EDGEWATER_PASSWORD: ADMIN_PASSWORD,
      ...this.environment,
    };
    return spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** As {@link run}, when nothing should go wrong: the JSON that it printed. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    expect(code, `${stdout}${stderr}`).toBe(0);
    return JSON.parse(stdout) as T;
  }
}
