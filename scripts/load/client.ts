import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Body } from '../bench/load/http-client.ts';

/** What to ask, and what has to come back. */
export interface Question {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: Body;
  expected: number; // the status
  /** What to do with the body of the answer: nothing, its digest, or all of it. */
  keep?: 'nothing' | 'digest' | 'bytes';
}

/** An answer whose body has been read. */
export interface Reply {
  location: string;
  contentDigest: string; // as Docker-Content-Digest tells
  size: number; // bytes that came
  digest: string | null; // of these
  bytes: Buffer; // empty unless they were kept
}

/** Nothing at all for so long is a hang. */
const PATIENCE = 120_000; // milliseconds

/** docker copies by 32 KiB, and each copy becomes a chunk; others write as much as the socket takes. */
const CHUNK = 32 * 2 ** 10; // bytes
const WRITE = 2 ** 20; // bytes

/** Asks one server over connections that are kept, and believes no answer unseen. */
export class Client {
  readonly #agent: Agent;

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** @throws Error when the status is not the expected one, and when nothing comes */
  async ask({ method, url, headers, body, expected, keep = 'nothing' }: Question): Promise<Reply> {
    const hasBody = method !== 'GET' && method !== 'HEAD' && !body?.isStreamed;
    const length = hasBody ? { 'Content-Length': body?.content.size ?? 0 } : {};
    const sent = request(url, { method, agent: this.#agent, headers: { ...headers, ...length } });
    sent.setTimeout(PATIENCE, () => sent.destroy(new Error(`nothing for ${PATIENCE / 1000} s`)));
    const what = `${method} ${new URL(url).pathname}`;
    try {
      const [[status, reply]] = await Promise.all([
        once(sent, 'response').then(([response]) => receive(response, expected, keep)),
        send(sent, body),
      ]);
      if (status !== expected) {
        throw new Error(`${status} instead of ${expected}: ${reply.bytes}`);
      }
      return reply;
    } catch (error) {
      sent.destroy();
      throw new Error(`${what}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy();
  }
}

async function send(sent: ClientRequest, body: Body | undefined): Promise<void> {
  if (body === undefined) {
    sent.end();
  } else {
    const pieces = body.content.pieces(body.isStreamed ? CHUNK : WRITE);
    await pipeline(Readable.from(pieces, { objectMode: false }), sent);
  }
}

async function receive(
  response: IncomingMessage,
  expected: number,
  keep: Question['keep'],
): Promise<[status: number, reply: Reply]> {
  const status = response.statusCode ?? 0;
  const hash = keep === 'nothing' ? null : createHash('sha256');
  const kept: Buffer[] = [];
  let size = 0;
  response.on('data', (piece: Buffer) => {
    size += piece.byteLength;
    hash?.update(piece);
    if (keep === 'bytes' || status !== expected) {
      kept.push(piece);
    }
  });
  await finished(response);
  const { location = '', 'docker-content-digest': contentDigest = '' } = response.headers;
  const digest = hash === null ? null : `sha256:${hash.digest('hex')}`;
  const bytes = Buffer.concat(kept);
  return [status, { location, contentDigest: String(contentDigest), size, digest, bytes }];
}
