import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Login } from '../edgewater/api.ts';
import type { Accounts } from './accounts.ts';
import { goClientFolders } from './go-clients.ts';
import { type RunContext, type RunOptions, run, runToFailure } from './run.ts';

/** What all clients of one run of the suite have in common. */
export interface BenchOptions {
  client: string;
  url: string; // of the registry
  prefix: string; // the namespace of this run, for the registry may have others
  accounts: Accounts | null; // null for a registry without login
  folder: string;
  signal: AbortSignal;
}

/** The place where one client works: a folder with a home of its own, and a registry to talk to. */
export class Bench {
  readonly url: string;
  readonly host: string; // with the port
  readonly folder: string;
  readonly accounts: Accounts | null;
  readonly #options: BenchOptions;
  readonly #client: string;
  readonly #context: RunContext;
  readonly #prefix: string;
  readonly #cleanups: (() => Promise<void>)[] = [];

  private constructor(options: BenchOptions, context: RunContext) {
    this.url = options.url;
    this.host = new URL(options.url).host;
    this.folder = options.folder;
    this.accounts = options.accounts;
    this.#options = options;
    this.#client = options.client;
    this.#prefix = options.prefix;
    this.#context = context;
  }

  /** Makes the folders and an environment in which a client finds nothing of the user's. */
  static async create(options: BenchOptions): Promise<Bench> {
    const { folder, signal } = options;
    const home = join(folder, 'home');
    const temporary = join(folder, 'tmp');
    const logs = join(folder, 'log');
    const runtime = join(folder, 'run');
    for (const path of [home, temporary, logs, runtime]) {
      await mkdir(path, { recursive: true, mode: 0o700 });
    }
    const env = {
      PATH: [...goClientFolders(), process.env.PATH].join(':'),
      HOME: home,
      TMPDIR: temporary,
      XDG_RUNTIME_DIR: runtime,
      XDG_CONFIG_HOME: join(home, '.config'),
      LC_ALL: 'C',
    };
    const bench = new Bench(options, { folder, logs, env, signal });
    await writeDockerConfig(bench.dockerConfig);
    return bench;
  }

  /** The same place, where the registry has another address. Nothing can be deferred there. */
  at(url: string): Bench {
    return new Bench({ ...this.#options, url }, this.#context);
  }

  /** What a daemon has to run with. */
  get context(): RunContext {
    return this.#context;
  }

  /** The file that docker keeps its logins in, as do all that do not have one of their own. */
  get dockerConfig(): string {
    return this.path('home/.docker/config.json');
  }

  /** The name of a repository that only this client of this run uses. */
  repository(name: string): string {
    return `${this.#prefix}/${this.#client}/${name}`;
  }

  /** That repository as clients write it: with the registry before it. */
  remote(name: string): string {
    return `${this.host}/${this.repository(name)}`;
  }

  /** A reference in the public namespace, at a registry that has a login. */
  publicRemote(name: string): string {
    return `${this.host}/${this.accounts?.publicNamespace}/${this.#client}/${name}`;
  }

  /** A reference in the namespace that has no room, at a registry that has a login. */
  fullRemote(name: string): string {
    return `${this.host}/${this.accounts?.fullNamespace}/${this.#client}/${name}`;
  }

  /** The header that requests without a client's help need. */
  get authorization(): Record<string, string> {
    if (this.accounts === null) {
      return {};
    }
    const { username, password } = this.accounts.robot;
    const pair = Buffer.from(`${username}:${password}`).toString('base64');
    return { Authorization: `Basic ${pair}` };
  }

  /** A path in the folder. */
  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Runs a command here; see `run`. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<string> {
    return run(this.#context, command, args, options);
  }

  /** Runs a command here that has to fail; see `runToFailure`. */
  runToFailure(command: string, args: readonly string[], options?: RunOptions): Promise<string> {
    return runToFailure(this.#context, command, args, options);
  }

  /** Runs the command of a client that logs in; it reads the password from its standard input. */
  async logIn(
    { username, password }: Login,
    command: string,
    args: readonly string[],
    flag = '--password-stdin',
  ): Promise<void> {
    const input = this.path('password');
    await writeFile(input, password, { mode: 0o600 });
    try {
      await this.run(command, [...args, '-u', username, flag, this.host], { input });
    } finally {
      await rm(input);
    }
  }

  /** Has something done when the client is through, last things first. */
  defer(cleanup: () => Promise<void>): void {
    this.#cleanups.unshift(cleanup);
  }

  /** Does what was deferred. */
  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0)) {
      await cleanup();
    }
  }
}

/**
 * Clients that find no login in docker's configuration would take the machine's keyring for theirs.
 * Where there is one they keep to the file.
 */
async function writeDockerConfig(file: string): Promise<void> {
  await mkdir(dirname(file), { mode: 0o700 });
  const auths = { 'registry.invalid': { auth: Buffer.from('nobody:none').toString('base64') } };
  await writeFile(file, JSON.stringify({ auths }), { mode: 0o600 });
}
