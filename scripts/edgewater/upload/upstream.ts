import http, {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { RefusalError } from '../errors.ts';
import { isLoopback } from '../registry-url.ts';
import { ConnectionError } from './connection-error.ts';

/** Where a request goes. The path, with its query, goes out as it stands here. */
export interface Target {
  origin: string; // "https://registry.example.com"
  path: string;
}

/** A request to a registry. A buffer can be sent again; a stream cannot. */
export interface UpstreamRequest {
  method: string;
  target: Target;
  headers: OutgoingHttpHeaders;
  body?: Buffer | Readable;
  signal?: AbortSignal;
  patience?: number; // milliseconds without a byte in either direction
  onSent?: (bytes: number) => void; // bytes of a buffer that went to the socket since the last call
}

/** An answer with its body in memory. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: readonly string[]; // names and values in turn
  body: Buffer;
}

const PATIENCE = 60_000; // milliseconds
const MAX_ANSWER = 8 * 2 ** 20; // bytes; a manifest has 4 MiB
const SLICE = 256 * 2 ** 10; // bytes

/** What a host needs to know that an upload goes on to. */
const FOR_ANYBODY = /^(?:accept|content-|transfer-encoding$|user-agent$)/i;

/** HTTP to one registry, on connections that are kept. */
export class Upstream {
  readonly origin: string;
  readonly #patience: number;
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };

  /**
   * @param origin what `parseRegistry` made
   * @param patience milliseconds without a byte in either direction, for requests that do not say
   */
  constructor(origin: string, patience = PATIENCE) {
    this.origin = origin;
    this.#patience = patience;
  }

  /** A path of this registry. */
  at(path: string): Target {
    return { origin: this.origin, path };
  }

  /**
   * Where a Location header, or a realm, of an answer from `from` leads.
   *
   * @throws RefusalError unless that is the registry itself, https, or from this machine to this machine
   */
  follow(location: string, from: Target): Target {
    const url = URL.parse(location, `${from.origin}${from.path}`);
    const isSafe =
      url?.protocol === 'https:' ||
      url?.origin === this.origin ||
      (isLoopback(new URL(this.origin).hostname) && isLoopback(url?.hostname ?? ''));
    if (url === null || !isSafe) {
      throw new RefusalError(
        `${this.origin} leads to ${url?.origin ?? 'no address'}, which is not safe`,
      );
    }
    return { origin: url.origin, path: `${url.pathname}${url.search}` };
  }

  /**
   * Sends a request and waits for the head of its answer; the caller reads the body, or destroys it.
   * Another host than the registry's own gets no Authorization, no Cookie and the like.
   *
   * @throws ConnectionError, or the signal's reason
   */
  send(request: UpstreamRequest): Promise<IncomingMessage> {
    const { method, target, body, signal, patience = this.#patience } = request;
    const isSecure = target.origin.startsWith('https:');
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = (isSecure ? https : http).request(target.origin, {
      method,
      path: target.path,
      headers: this.#headersFor(request),
      agent: this.#agents[isSecure ? 'https:' : 'http:'],
      timeout: patience,
      ...(signal && { signal }),
    });
    outgoing.once('response', resolve);
    outgoing.once('upgrade', (_, socket) => {
      socket.destroy();
      reject(new ConnectionError(target.origin, new Error('it changes the protocol unasked')));
    });
    outgoing.once('timeout', () =>
      outgoing.destroy(new Error(`no answer for ${patience / 1000} s`)),
    );
    outgoing.on('error', (error) => {
      reject(signal?.aborted ? signal.reason : new ConnectionError(target.origin, error));
    });
    if (body instanceof Readable) {
      body.once('error', (error) => outgoing.destroy(error));
      body.pipe(outgoing);
    } else if (body !== undefined && body.length > 0) {
      Readable.from(slices(body, request.onSent)).pipe(outgoing);
    } else {
      outgoing.end();
    }
    return promise;
  }

  /** As {@link send}, with the body of the answer. @throws RefusalError when that is too large */
  async ask(request: UpstreamRequest): Promise<Answer> {
    const response = await this.send(request);
    try {
      const { statusCode: status = 0, headers, rawHeaders } = response;
      return { status, headers, rawHeaders, body: await readBody(response) };
    } catch (error) {
      if (error instanceof RefusalError) {
        throw error;
      }
      throw request.signal?.aborted
        ? request.signal.reason
        : new ConnectionError(request.target.origin, error);
    } finally {
      const { req: outgoing } = response as IncomingMessage & { req: http.ClientRequest };
      if (!outgoing.writableFinished) {
        outgoing.destroy(); // answered before it had all: the rest is of no use
      }
    }
  }

  /** Lets the connections go. */
  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }

  #headersFor({ target, headers, body }: UpstreamRequest): OutgoingHttpHeaders {
    const isOwn = target.origin === this.origin;
    return {
      ...Object.fromEntries(
        Object.entries(headers).filter(([name]) => isOwn || FOR_ANYBODY.test(name)),
      ),
      ...(body !== undefined && !(body instanceof Readable) && { 'content-length': body.length }),
      host: new URL(target.origin).host,
    };
  }
}

function* slices(body: Buffer, onSent?: (bytes: number) => void): Generator<Buffer> {
  for (let start = 0; start < body.length; start += SLICE) {
    const slice = body.subarray(start, start + SLICE);
    yield slice;
    onSent?.(slice.length);
  }
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER) {
      throw new RefusalError('the registry answered with more than 8 MiB');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
