import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Content } from './content.ts';

/** What to send: a body that says how long it is, or a stream of chunks that does not. */
export interface Body {
  content: Content;
  isStreamed: boolean;
}

/** An answer, whose body has been read. */
export interface Answer {
  status: number;
  location: string;
  size: number; // bytes of the body
  text: string; // the body, when it is one of JSON
}

/** docker copies by 32 KiB, and each copy becomes a chunk; others write as much as the socket takes. */
const CHUNK = 32 * 2 ** 10; // bytes
const WRITE = 2 ** 20; // bytes

/** Asks one server over connections that are kept. */
export class HttpClient {
  readonly #agent: Agent;

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /**
   * Sends a request and reads its answer, which has to have the status `expected`.
   *
   * @throws Error when it has another
   */
  async send(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    expected: number,
    body?: Body,
  ): Promise<Answer> {
    const length = body?.isStreamed ? {} : { 'Content-Length': body?.content.size ?? 0 };
    const sent = request(url, {
      method,
      agent: this.#agent,
      headers: { ...headers, ...(method !== 'GET' && method !== 'HEAD' && length) },
    });
    const [answer] = await Promise.all([
      once(sent, 'response').then(([response]) => read(response as IncomingMessage)),
      body === undefined ? sent.end() : write(sent, body),
    ]);
    if (answer.status !== expected) {
      throw new Error(`${method} ${url} was answered ${answer.status}: ${answer.text}`);
    }
    return answer;
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Node sends what is written within one tick by one system call. */
async function write(sent: ClientRequest, { content, isStreamed }: Body): Promise<void> {
  let waiting = 0;
  for (const piece of content.pieces(isStreamed ? CHUNK : WRITE)) {
    sent.write(piece);
    waiting += piece.byteLength;
    if (waiting >= WRITE) {
      waiting = 0;
      if (sent.writableNeedDrain) {
        await once(sent, 'drain');
      }
    }
  }
  sent.end();
}

async function read(response: IncomingMessage): Promise<Answer> {
  const isText = response.headers['content-type']?.includes('json');
  const texts: Buffer[] = [];
  let size = 0;
  response.on('data', (bytes: Buffer) => {
    size += bytes.byteLength;
    if (isText) {
      texts.push(bytes);
    }
  });
  await once(response, 'end');
  const { location = '' } = response.headers;
  return {
    status: response.statusCode ?? 0,
    location,
    size,
    text: Buffer.concat(texts).toString(),
  };
}
