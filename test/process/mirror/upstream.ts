import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, type TestBlob, type TestManifest } from '../../support/images.ts';

/** A request as it arrived. */
export interface Seen {
  method: string;
  path: string; // with the query
  authorization: string | null;
  range: string | null;
}

/** How a script answers a request. */
export interface Reply {
  status?: number; // 200
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  cutAfter?: number; // bytes of the body; then the connection is gone
  hangsAfter?: number; // bytes of the body; then nothing comes any more
  before?: Promise<unknown>; // waits for this before the head
}

/** Answers instead of the registry; null leaves it to that. */
export type Script = (request: Seen) => Reply | null;

/** A registry in a few lines that does what a test tells it, and counts what it is asked. */
export class Upstream {
  readonly seen: Seen[] = [];
  script: Script = () => null;
  readonly #content = new Map<string, { bytes: Uint8Array; type: string }>();
  #server: Server | null = null;
  #port = 0;

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    await upstream.start();
    return upstream;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** Listens, again on the same port after {@link stop}. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const closed = this.#server && once(this.#server, 'close');
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
    await closed;
  }

  /** Has an image, or what else has a manifest, by digest and by tag. */
  add(repository: string, manifest: TestManifest, tag?: string): void {
    for (const reference of [manifest.digest, ...(tag === undefined ? [] : [tag])]) {
      this.#content.set(`/v2/${repository}/manifests/${reference}`, {
        bytes: manifest.bytes,
        type: manifest.mediaType,
      });
    }
    for (const blob of manifest.blobs) {
      this.addBlob(repository, blob);
    }
  }

  addBlob(repository: string, { bytes, digest }: TestBlob): void {
    this.#content.set(`/v2/${repository}/blobs/${digest}`, {
      bytes,
      type: 'application/octet-stream',
    });
  }

  removeTag(repository: string, tag: string): void {
    this.#content.delete(`/v2/${repository}/manifests/${tag}`);
  }

  /** What it was asked, as "GET /v2/app/blobs/sha256:…", that has `part` in it. */
  asked(part = ''): string[] {
    return this.seen
      .map(({ method, path }) => `${method} ${path}`)
      .filter((line) => line.includes(part));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const seen: Seen = {
      method,
      path,
      authorization: headers.authorization ?? null,
      range: headers.range ?? null,
    };
    this.seen.push(seen);
    response.on('error', () => {});
    const reply = this.script(seen) ?? this.#reply(seen);
    await reply.before;
    const body = Buffer.from(reply.body ?? '');
    response.writeHead(reply.status ?? 200, {
      ...(!hasOwnLength(reply) && { 'Content-Length': body.byteLength }),
      ...reply.headers,
    });
    const sent = reply.cutAfter ?? reply.hangsAfter;
    if (method === 'HEAD' || sent === undefined) {
      response.end(method === 'HEAD' ? '' : body);
      return;
    }
    response.write(body.subarray(0, sent), () => {
      if (reply.cutAfter !== undefined) {
        response.destroy();
      }
    });
  }

  #reply({ path, range }: Seen): Reply {
    const content = this.#content.get(path);
    if (content === undefined) {
      return path === '/v2/' ? {} : { status: 404 };
    }
    const first = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const { bytes, type } = content;
    const last = bytes.byteLength - 1;
    return {
      status: first > 0 ? 206 : 200,
      headers: {
        'Content-Type': type,
        ...(path.includes('/manifests/') && { 'Docker-Content-Digest': digestOf(bytes) }),
        ...(first > 0 && { 'Content-Range': `bytes ${first}-${last}/${bytes.byteLength}` }),
      },
      body: bytes.subarray(first),
    };
  }
}

function hasOwnLength({ headers = {} }: Reply): boolean {
  return ['Content-Length', 'Transfer-Encoding'].some((name) => name in headers);
}
