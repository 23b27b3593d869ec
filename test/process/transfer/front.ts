/** Stands before a registry: counts what is asked of it, and answers in its place when told. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  path: string; // with the query
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
}

export class Front {
  readonly asked: Asked[] = [];
  /** What is answered instead of the registry, which null leaves it to; it may take its time. */
  reply: (asked: Asked) => Reply | null | Promise<Reply | null> = () => null;
  /** The registry is taken for one from before OCI 1.1, which does not know of referrers. */
  isOld = false;
  url = '';
  readonly #server: Server;

  constructor(registry: string) {
    this.#server = createServer(async (request, response) => {
      const { method = 'GET', url: path = '/', headers } = request;
      this.asked.push({ method, path });
      const isUnknown = this.isOld && path.includes('/referrers/');
      const reply = isUnknown ? { status: 404 } : await this.reply({ method, path });
      if (reply !== null) {
        response.writeHead(reply.status, reply.headers).end();
        return;
      }
      const body = method === 'GET' || method === 'HEAD' ? null : request;
      const { host: _, connection: __, ...rest } = headers;
      const answer = await fetch(new URL(path, registry), {
        method,
        headers: rest as Record<string, string>,
        redirect: 'manual',
        ...(body && { body: body as unknown as ReadableStream, duplex: 'half' as const }),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const kept = [...answer.headers].filter(
        ([name]) => name !== 'transfer-encoding' && !(this.isOld && name === 'oci-subject'),
      );
      response.writeHead(answer.status, Object.fromEntries(kept)).end(bytes);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How often a blob was read. */
  get blobs(): number {
    return this.asked.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
      .length;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
