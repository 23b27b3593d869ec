import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { SourceError } from '../upload/chunk-reader.ts';
import type { Answer } from '../upload/upstream.ts';
import { toClient, toUpstream } from './headers.ts';

const MAX_DISCARDED = 256 * 2 ** 20; // bytes

/** One request of a client and the answer to it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string; // with the query
  readonly #upstream: string; // an origin
  readonly #gone = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse, upstream: string) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    this.path = request.url ?? '/';
    this.#upstream = upstream;
    response.once('close', () => {
      if (!response.writableFinished) {
        this.#gone.abort(new SourceError('the client went away'));
      }
    });
  }

  /** Fires when the client goes away without waiting for the end of the answer. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Bytes of the body; null when nobody knows. */
  get length(): number | null {
    const { 'content-length': length, 'transfer-encoding': coding } = this.request.headers;
    return coding === undefined ? Number(length ?? 0) : null;
  }

  get hasBody(): boolean {
    return this.length !== 0;
  }

  /** The headers that the registry should see. */
  get headers(): OutgoingHttpHeaders {
    return toUpstream(this.request.headers);
  }

  /** Answers with what the registry answered, or with another status and the rest of it. */
  reply(answer: Answer, status = answer.status): void {
    const headers = toClient(answer.rawHeaders, this.#ends);
    const body = status === 204 ? null : answer.body;
    this.response.writeHead(status, withLength(headers, body));
    this.response.end(body);
  }

  /** Hands an answer through while it arrives. */
  async stream(answer: IncomingMessage): Promise<void> {
    const { statusCode = 502, rawHeaders } = answer; // its reason phrase may be anything
    this.response.writeHead(statusCode, toClient(rawHeaders, this.#ends));
    this.response.flushHeaders();
    const { socket } = answer;
    const patience = socket.timeout ?? 0;
    const timer = setInterval(() => {
      if (this.response.writableNeedDrain) {
        socket.setTimeout(patience); // anew: the client may take its time, the registry may not
      }
    }, patience / 4);
    try {
      await pipeline(answer, this.response);
    } finally {
      clearInterval(timer);
    }
  }

  /** Answers for itself, as a registry would. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
  refuse(status: number, code: string, message: string): void {
    if (!this.response.headersSent) {
      const body = JSON.stringify({ errors: [{ code, message: `edgewater proxy: ${message}` }] });
      this.response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
    } else {
      this.response.destroy(); // what was sent of the answer is not all of it
    }
  }

  /** Reads the rest of the body for nothing, if it is not too long: who still sends sees no answer. */
  discard(): void {
    const { request } = this;
    if (request.readableEnded || request.destroyed) {
      return;
    }
    let length = 0;
    request.unpipe();
    request.removeAllListeners('readable'); // of whoever read it so far
    request.on('data', (bytes: Buffer) => {
      length += bytes.length;
      if (length > MAX_DISCARDED) {
        request.destroy();
      }
    });
    request.resume();
  }

  get #ends() {
    return { here: `http://${this.request.headers.host}`, upstream: this.#upstream };
  }
}

function withLength(headers: readonly string[], body: Buffer | null): string[] {
  const kept = headers.flatMap((name, at) => {
    const isKept = at % 2 === 0 && name.toLowerCase() !== 'content-length';
    return isKept ? [name, headers[at + 1] ?? ''] : [];
  });
  return body === null ? kept : [...kept, 'Content-Length', String(body.length)];
}
