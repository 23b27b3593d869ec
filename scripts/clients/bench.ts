import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { goClientFolders } from './go-clients.ts';
import { type RunContext, type RunOptions, run, runToFailure } from './run.ts';

/** What all clients of one run of the suite have in common. */
export interface BenchOptions {
  client: string;
  url: string; // of the registry
  prefix: string; // begins the repositories of this run, for the registry may have others
  folder: string;
  signal: AbortSignal;
}

/** The place where one client works: a folder with a home of its own, and a registry to talk to. */
export class Bench {
  readonly url: string;
  readonly host: string; // with the port
  readonly folder: string;
  readonly #context: RunContext;
  readonly #repositories: string;
  readonly #cleanups: (() => Promise<void>)[] = [];

  private constructor(options: BenchOptions, context: RunContext) {
    this.url = options.url;
    this.host = new URL(options.url).host;
    this.folder = options.folder;
    this.#repositories = `${options.prefix}/${options.client}`;
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
    return new Bench(options, { folder, logs, env, signal });
  }

  /** What a daemon has to run with. */
  get context(): RunContext {
    return this.#context;
  }

  /** The name of a repository that only this client of this run uses. */
  repository(name: string): string {
    return `${this.#repositories}/${name}`;
  }

  /** That repository as clients write it: with the registry before it. */
  remote(name: string): string {
    return `${this.host}/${this.repository(name)}`;
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
