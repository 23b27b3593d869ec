import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenHere } from './listen.ts';

/** What goes wrong with one request. */
export type Fault =
  | { kind: 'cut'; after: number } // bytes of the body, then both connections break
  | { kind: 'damage' } // of the first byte of the body
  | { kind: 'cutAnswer'; after: number } // bytes of the answer's body, then both connections break
  | { kind: 'lose' } // the registry answers, and nobody hears it
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  | { kind: 'delay'; milliseconds: number };

/** A request as the edge saw it. */
export interface Seen {
  method: string;
  path: string;
  length: number | null; // Content-Length
  range: string | undefined; // Content-Range
  headers: IncomingHttpHeaders;
}

/** How an edge behaves. */
export interface EdgeOptions {
  to: string; // the URL of a registry
  limit: number; // bytes of a body
  /** Asked for each request: what should go wrong with it. */
  fault?: (request: Seen) => Fault | null;
  cutEvery?: number; // milliseconds: all connections that carry a body break
  tls?: { key: string; cert: string }; // PEM; without it the edge speaks plain HTTP
}

/** Cloudflare's: https://developers.cloudflare.com/workers/platform/limits/#request-limits */
export const EDGE_LIMIT = 100e6; // bytes

const TOO_LARGE =
  '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n' +
  '<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>cloudflare</center>\r\n' +
  '</body>\r\n</html>\r\n';

/**
 * Stands for Cloudflare's edge before a registry: it refuses a body above its limit with an HTML page,
 * by Content-Length at once, else when the body gets there. And it fails as lines and edges do.
 */
export class Edge {
  readonly url: string;
  readonly seen: Seen[] = [];
  cuts = 0; // connections that broke by the clock
  options: EdgeOptions;
  readonly #stop: () => void;
  readonly #busy = new Set<IncomingMessage>();
  #isCutDue = false; // nothing was on its way when it was time

  private constructor(options: EdgeOptions, url: string, stop: () => void) {
    this.options = options;
    this.url = url;
    this.#stop = stop;
  }

  /** Starts one at any free port of this machine. */
  static async start(options: EdgeOptions): Promise<Edge> {
    const agent = new Agent({ keepAlive: true });
    const { tls } = options;
    const server = tls
      ? createTlsServer({ ...tls, requestTimeout: 0 })
      : createServer({ requestTimeout: 0 });
    const url = await listenHere(server, tls ? 'https' : 'http');
    const timer = options.cutEvery && setInterval(() => edge.#cutAll(), options.cutEvery);
    const edge: Edge = new Edge(options, url, () => {
      clearInterval(timer);
      server.closeAllConnections();
      server.close();
      agent.destroy();
    });
    server.on('request', (request, response) => void edge.#answer(request, response, agent));
    return edge;
  }

  stop(): void {
    this.#stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, agent: Agent): Promise<void> {
    const seen = see(request);
    this.seen.push(seen);
    const fault = this.options.fault?.(seen) ?? null;
    if (fault?.kind === 'delay') {
      await sleep(fault.milliseconds);
    }
    if (fault?.kind === 'answer') {
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body);
    } else if ((seen.length ?? 0) > this.options.limit) {
      refuse(request, response);
    } else {
      this.#forward(request, response, agent, fault);
    }
  }

  #forward(
    request: IncomingMessage,
    response: ServerResponse,
    agent: Agent,
    fault: Fault | null,
  ): void {
    const { method, url: path, headers } = request;
    const outgoing = send(this.options.to, { method, path, headers, agent });
    outgoing.on('error', () => {
      if (!response.headersSent) {
        response.destroy();
      }
    });
    outgoing.on('response', (answer) => {
      if (fault?.kind === 'lose') {
        answer.resume();
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      if (fault?.kind === 'cutAnswer') {
        cutAfter(answer, response, fault.after);
        return;
      }
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    let length = 0;
    request.on('data', (bytes: Buffer) => {
      if (fault?.kind === 'damage' && length === 0) {
        bytes[0] = (bytes[0] ?? 0) ^ 1;
      }
      this.#busy.add(request);
      if (this.#isCutDue) {
        this.#cutAll();
      }
      length += bytes.length;
      if (length > this.options.limit) {
        outgoing.destroy();
        refuse(request, response);
      } else if (fault?.kind === 'cut' && length > fault.after) {
        outgoing.write(bytes.subarray(0, bytes.length - (length - fault.after)));
        request.socket.destroy();
      } else if (!outgoing.write(bytes)) {
        request.pause();
        outgoing.once('drain', () => request.resume());
      }
    });
    request.on('end', () => outgoing.end());
    request.on('close', () => {
      this.#busy.delete(request);
      if (!request.complete) {
        setTimeout(() => outgoing.destroy(), 20); // what was written should get there
      }
    });
  }

  #cutAll(): void {
    this.#isCutDue = this.#busy.size === 0;
    for (const request of this.#busy) {
      this.cuts += 1;
      request.socket.destroy();
    }
  }
}

/** Passes so many bytes on, and no end. */
function cutAfter(answer: IncomingMessage, response: ServerResponse, bytes: number): void {
  let left = bytes;
  answer.on('error', () => response.destroy());
  answer.on('data', (data: Buffer) => {
    if (data.length < left) {
      response.write(data);
    } else {
      answer.destroy();
      response.write(data.subarray(0, left), () => response.destroy());
    }
    left -= data.length;
  });
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.removeAllListeners('data').resume();
  if (!response.headersSent) {
    response.writeHead(413, { 'Content-Type': 'text/html', Server: 'cloudflare' }).end(TOO_LARGE);
  }
}

function see({ method = '', url = '', headers }: IncomingMessage): Seen {
  const { 'content-length': length, 'content-range': range } = headers;
  const known = length === undefined ? null : Number(length);
  return { method, path: url, length: known, range, headers };
}
