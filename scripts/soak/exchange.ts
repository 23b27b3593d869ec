import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What to ask. `path` is below the registry's URL, or a Location that it gave. */
export interface Question {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: Buffer;
  /** Without a length before it, as docker sends. */
  isStreamed?: boolean;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** No answer came: what was asked for may have been done. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const PATIENCE = 60_000; // milliseconds without a byte: a hang
const PIECE = 256 * 2 ** 10; // bytes

/** Asks one registry, over connections that are kept, and counts what it is answered. */
export class Exchange {
  readonly statuses = new Map<number, number>();
  lost = 0; // connections that broke
  readonly hangs: string[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  /** @throws NoAnswer when the connection breaks */
  async ask(question: Question): Promise<Answer> {
    try {
      const answer = await this.#send(question);
      this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
      return answer;
    } catch (error) {
      this.lost += 1;
      throw new NoAnswer(`${question.method} ${question.path}: ${error}`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send({ method, path, headers, body, isStreamed }: Question): Promise<Answer> {
    const hasBody = method !== 'GET' && method !== 'HEAD' && !isStreamed;
    const length = hasBody ? { 'Content-Length': body?.byteLength ?? 0 } : {};
    return new Promise((resolve, reject) => {
      const url = new URL(path, this.#url());
      const sent = request(url, { method, agent: this.#agent, headers: { ...headers, ...length } });
      sent.once('error', reject);
      sent.setTimeout(PATIENCE, () => {
        this.hangs.push(`${method} ${path}`);
        sent.destroy(new Error('nothing for a minute'));
      });
      sent.once('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.once('error', reject);
        response.once('close', () => {
          if (response.complete) {
            const status = response.statusCode ?? 0;
            resolve({ status, headers: response.headers, body: Buffer.concat(pieces) });
          } else {
            reject(new Error('the answer broke off'));
          }
        });
      });
      void write(sent, body);
    });
  }
}

async function write(sent: ReturnType<typeof request>, body: Buffer | undefined): Promise<void> {
  for (let at = 0; at < (body?.byteLength ?? 0) && !sent.destroyed; at += PIECE) {
    if (!sent.write(body?.subarray(at, at + PIECE))) {
      await Promise.race([new Promise((done) => sent.once('drain', done)), sleep(1000)]);
    }
  }
  sent.end();
}
