import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const START = resolve(import.meta.dirname, '../../scripts/start.ts');

/** `npm start` as a process of its own, to be killed. */
export class Server {
  readonly #state: string;
  readonly #script: string;
  readonly #options: readonly string[];
  #process: ChildProcess | null = null;
  url = '';

  /** `script` takes the arguments of `npm start` and says when it is ready, as that does. */
  constructor(state: string, script = START, options: readonly string[] = ['--open']) {
    this.#state = state;
    this.#script = script;
    this.#options = options;
  }

  /** Starts it on the same state as before, at any free port unless told: when this ends it is ready. */
  async start(port = 0): Promise<void> {
    const args = [
      this.#script,
      '--port',
      String(port),
      ...this.#options,
      '--state',
      this.#state,
      '--log',
      'off',
    ];
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = started;
    for await (const line of createInterface({ input: started.stdout })) {
      const address = /ready on (http:\S+)/.exec(line)?.[1];
      if (address !== undefined) {
        this.url = address;
        return;
      }
    }
    throw new Error('the server ended before it was ready');
  }

  /** Ends it as a crash would, without a chance to save anything, and starts it again. */
  async crash(): Promise<void> {
    await this.#end('SIGKILL');
    await this.start();
  }

  /** Ends it as Ctrl-C does: its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGINT');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#process === null || this.#process.exitCode !== null) {
      return this.#process?.exitCode ?? null;
    }
    const exited = once(this.#process, 'exit');
    this.#process.kill(signal);
    const [code] = await exited;
    return code;
  }
}
