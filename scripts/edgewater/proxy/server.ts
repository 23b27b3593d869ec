import { createServer, type Server } from 'node:http';
import { waitForPort } from '../../registry/port.ts';
import { SourceError } from '../upload/chunk-reader.ts';
import type { Progress } from '../upload/progress.ts';
import type { RetryPolicy } from '../upload/retry.ts';
import { Upstream } from '../upload/upstream.ts';
import { Exchange } from './exchange.ts';
import { refusalOf } from './guard.ts';
import { fetchToken, passThrough, putManifest } from './pass-through.ts';
import { recut } from './recut.ts';
import { routeOf } from './route.ts';
import { newMemory, type Services } from './services.ts';
import { TokenMemory } from './token-memory.ts';

/** How to run the proxy. */
export interface ProxyOptions {
  to: string; // the origin of a registry
  host: string; // a loopback address
  port: number; // 0 for any free one
  chunkSize: number; // bytes
  policy: RetryPolicy;
  progress: Progress;
  patience?: number; // milliseconds that the registry may be silent
}

/** A proxy that runs. */
export interface RunningProxy {
  url: string;
  stop(): Promise<void>;
}

const SERVER = {
  requestTimeout: 0, // a layer takes as long as it takes
  keepAliveTimeout: 75_000, // milliseconds: longer than clients keep a connection
  maxHeaderSize: 64 * 1024, // bytes: an identity token has up to 16 KiB, and Basic makes them more
};

const FAREWELL = 3000; // milliseconds to cancel uploads in

/**
 * Serves one registry on this machine, and cuts what is pushed into chunks.
 *
 * @throws Error in one line when the port cannot be had
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { host, chunkSize, policy, progress } = options;
  const port = await waitForPort(options.port, host);
  const upstream = new Upstream(options.to, options.patience);
  const services: Services = {
    upstream,
    tokens: new TokenMemory(upstream),
    sessions: newMemory(),
    realms: newMemory(),
    chunkSize,
    policy,
    progress,
  };
  const running = new Set<Promise<void>>();
  const server = createServer(SERVER, (request, response) => {
    const exchange = new Exchange(request, response, upstream.origin);
    const answering = answer(exchange, services).finally(() => running.delete(answering));
    running.add(answering);
  });
  await listen(server, port, host);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, FAREWELL);
      await Promise.race([Promise.allSettled(running), late]);
      clearTimeout(timer);
      upstream.close();
    },
  };
}

/** Whatever happens to one exchange, the others go on. */
async function answer(exchange: Exchange, services: Services): Promise<void> {
  try {
    await answerOrRefuse(exchange, services);
  } catch (error) {
    services.progress.warn(`a request failed: ${error}`);
    exchange.response.destroy();
  } finally {
    exchange.discard();
  }
}

async function answerOrRefuse(exchange: Exchange, services: Services): Promise<void> {
  const refusal = refusalOf(exchange.request);
  if (refusal !== null) {
    exchange.refuse(403, 'DENIED', refusal);
    return;
  }
  try {
    await dispatch(exchange, services);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof SourceError) && !exchange.gone.aborted) {
      services.progress.warn(message);
    }
    exchange.refuse(502, 'UNAVAILABLE', message);
  }
}

function dispatch(exchange: Exchange, services: Services): Promise<void> {
  const { method, path, hasBody } = exchange;
  const [address = ''] = path.split('?', 1);
  if (services.realms.get(address) !== null && ['GET', 'POST'].includes(method)) {
    return fetchToken(exchange, services);
  }
  const route = routeOf(method, path, hasBody);
  switch (route.kind) {
    case 'post':
    case 'patch':
    case 'put':
      return recut(exchange, route, services);
    case 'manifest':
      return putManifest(exchange, services);
    default:
      return passThrough(exchange, services);
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await promise;
}
