/** A bucket with an S3 API: R2's, as miniflare has it, which checks signatures and the digests of bodies. */
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { Edge, type Fault, type Seen } from '../../../scripts/clients/edge.ts';

/** What the requests to a bucket are signed with. */
export const KEY = {
  AWS_ACCESS_KEY_ID: '0123456789abcdef0123456789abcdef',
  AWS_SECRET_ACCESS_KEY: 'a secret that nobody should see printed',
};

const NAME = 'saved';
const PATH = '/cdn-cgi/local/r2/s3';

type R2 = Awaited<ReturnType<Miniflare['getR2Bucket']>>;

/** A bucket behind a line that may break. */
export class Bucket {
  readonly r2: R2; // not by the S3 API
  readonly endpoint: string;
  readonly #edge: Edge;
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare, r2: R2, edge: Edge) {
    this.#miniflare = miniflare;
    this.r2 = r2;
    this.#edge = edge;
    this.endpoint = `${edge.url}${PATH}`;
  }

  static async start(): Promise<Bucket> {
    const miniflare = new Miniflare({
      ...convertV4MiniflareOptions({
        name: 'bucket',
        modules: true,
        script: 'export default {}',
        compatibilityDate: '2026-01-01',
        host: '127.0.0.1',
        port: 0,
        r2Buckets: {
          BUCKET: {
            id: NAME,
            s3Credentials: {
              accessKeyId: KEY.AWS_ACCESS_KEY_ID,
              secretAccessKey: KEY.AWS_SECRET_ACCESS_KEY,
            },
          },
        },
        cf: false,
        logRequests: false,
        log: new Log(LogLevel.WARN),
      }),
      enableDevRegistry: false,
    });
    const { origin } = await miniflare.ready;
    const edge = await Edge.start({ to: origin, limit: Number.POSITIVE_INFINITY });
    return new Bucket(miniflare, await miniflare.getR2Bucket('BUCKET'), edge);
  }

  /** From now on requests go wrong as `fault` says, and are seen from here on. */
  begin(fault: (request: Seen) => Fault | null = () => null): void {
    this.#edge.seen.length = 0;
    this.#edge.options.fault = fault;
  }

  /** Requests of a kind since {@link begin}: their keys, with the query. */
  seen(method: string): string[] {
    return this.#edge.seen
      .filter((request) => request.method === method)
      .map(({ path }) => path.slice(`${PATH}/${NAME}/`.length));
  }

  async keys(): Promise<string[]> {
    const { objects } = await this.r2.list();
    return objects.map(({ key }) => key);
  }

  async bytes(key: string): Promise<Uint8Array> {
    return new Uint8Array((await (await this.r2.get(key))?.arrayBuffer()) ?? []);
  }

  async stop(): Promise<void> {
    this.#edge.stop();
    await this.#miniflare.dispose();
  }
}
