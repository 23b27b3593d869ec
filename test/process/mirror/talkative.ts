import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, vi } from 'vitest';

const START = resolve(import.meta.dirname, '../../../scripts/start.ts');

/** `npm start` for upstreams on this machine, with all that it writes. */
export class TalkativeServer {
  password = ''; // the administrator's
  url = '';
  readonly #process: ChildProcess;
  #written = '';
  #logs = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    const keep = (text: string) => {
      this.#written += text;
    };
    process.stdout?.setEncoding('utf8').on('data', keep);
    process.stderr?.setEncoding('utf8').on('data', keep);
  }

  /** Starts it; when this ends it is ready. */
  static async start(state: string): Promise<TalkativeServer> {
    const args = ['--port', '0', '--state', state, '--log', 'json', '--private-upstreams'];
    const child = spawn(process.execPath, [START, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new TalkativeServer(child);
    const findAddress = () => {
      const [, address] = /ready on (http:\S+)/.exec(server.#written) ?? [];
      expect(address, server.#written).toBeDefined();
      return address ?? '';
    };
    server.url = await vi.waitFor(findAddress, { timeout: 60_000 });
    server.password = (await readFile(join(state, 'admin-password'), 'utf8')).trim();
    return server;
  }

  /** A request of the administrator. */
  async ask(method: string, path: string, body?: object): Promise<Response> {
    const pair = Buffer.from(`admin:${this.password}`).toString('base64');
    return fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Basic ${pair}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  /** All that it has written, of whatever was asked before. */
  async log(): Promise<string> {
    const last = `/v2/asked-last/${this.#logs++}`;
    await this.ask('GET', last);
    await vi.waitFor(() => expect(this.#written).toContain(last), { timeout: 10_000 });
    return this.#written;
  }

  async stop(): Promise<void> {
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGINT');
    await closed;
  }
}
