import type { IncomingMessage } from 'node:http';
import { ChunkReader } from '../upload/chunk-reader.ts';
import { smallestChunk } from '../upload/chunk-size.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import { RegistryClient } from '../upload/registry-client.ts';
import { Retry } from '../upload/retry.ts';
import type { UpstreamRequest } from '../upload/upstream.ts';
import type { Exchange } from './exchange.ts';
import { ownRealm } from './headers.ts';
import { routeOf } from './route.ts';
import { type Services, sessionKey } from './services.ts';

const ATTEMPTS = 3; // of a request that only asks
const MAX_FORM = 64 * 2 ** 10; // bytes: what Edgewater takes as a request for a token
const MAX_MANIFEST = 8 * 2 ** 20; // bytes: Edgewater's have 4 MiB

/** Hands a request and its answer through as they come. */
export async function passThrough(exchange: Exchange, services: Services): Promise<void> {
  const { upstream, realms } = services;
  const request: UpstreamRequest = {
    method: exchange.method,
    target: upstream.at(exchange.path),
    headers: { ...exchange.headers, ...framing(exchange) },
    signal: exchange.gone,
    ...(exchange.hasBody && { body: exchange.request }),
  };
  const isRepeatable = !exchange.hasBody && ['GET', 'HEAD', 'POST'].includes(exchange.method);
  const send = () => upstream.send(request);
  const answer = await (isRepeatable ? patiently(exchange, services, send) : send());
  const realm = ownRealm(answer.rawHeaders, upstream.origin);
  if (realm !== null) {
    realms.set(realm, true);
  }
  try {
    noteSession(exchange, answer, services);
  } catch (error) {
    answer.destroy();
    throw error;
  }
  await exchange.stream(answer);
}

/** Takes note of a session that begins. @throws Error when it is where no one should send to */
function noteSession(
  { method, path, hasBody }: Exchange,
  { statusCode, headers }: IncomingMessage,
  { upstream, sessions }: Services,
): void {
  const isStart = routeOf(method, path, hasBody).kind === 'start' && statusCode === 202;
  if (isStart && headers.location !== undefined) {
    const location = upstream.follow(headers.location, upstream.at(path));
    const minimum = smallestChunk(headers['oci-chunk-min-length']);
    sessions.set(sessionKey(location), { offset: 0, minimum });
  }
}

/** Fetches a token for a client, and remembers how. */
export async function fetchToken(exchange: Exchange, services: Services): Promise<void> {
  const { bytes, isLast } = await new ChunkReader(exchange.request, MAX_FORM).next();
  if (!isLast) {
    exchange.refuse(413, 'SIZE_INVALID', 'a request for a token may have 64 KiB');
    return;
  }
  const { upstream, tokens } = services;
  const request = {
    method: exchange.method,
    target: upstream.at(exchange.path),
    headers: { ...exchange.headers, 'accept-encoding': 'identity' },
    ...(exchange.hasBody && { body: bytes }),
  };
  const answer = await patiently(exchange, services, () =>
    upstream.ask({ ...request, signal: exchange.gone }),
  );
  tokens.note(request, answer);
  exchange.reply(answer);
}

/** Puts a manifest, which does no harm twice: docker gives up a push when this fails once. */
export async function putManifest(exchange: Exchange, services: Services): Promise<void> {
  if (exchange.length === null || exchange.length > MAX_MANIFEST) {
    return passThrough(exchange, services);
  }
  const { bytes } = await new ChunkReader(exchange.request, exchange.length).next();
  const client = new RegistryClient({
    upstream: services.upstream,
    credentials: services.tokens.credentials(exchange.request.headers.authorization),
    policy: services.policy,
    signal: exchange.gone,
    headers: { ...exchange.headers, 'accept-encoding': 'identity' },
    onRetry: (why) => services.progress.say(`a manifest: ${why}; trying again`),
  });
  const target = services.upstream.at(exchange.path);
  exchange.reply(await client.persist({ method: 'PUT', target, body: bytes }));
}

/** Asks again where there was no answer: a connection that was kept may be closed just then. */
async function patiently<T>(
  exchange: Exchange,
  { policy }: Services,
  ask: () => Promise<T>,
): Promise<T> {
  for (const retry = new Retry({ ...policy, attempts: ATTEMPTS }, exchange.gone); ; ) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConnectionError) || error.isPermanent || !(await retry.wait(error))) {
        throw error;
      }
    }
  }
}

/** The headers that tell where the body ends. */
function framing(exchange: Exchange): Record<string, string | number> {
  if (exchange.length === null) {
    return { 'transfer-encoding': 'chunked' };
  }
  const { 'content-range': range } = exchange.request.headers;
  const isBare = !exchange.hasBody && ['GET', 'HEAD', 'DELETE'].includes(exchange.method);
  return {
    ...(!isBare && { 'content-length': exchange.length }),
    ...(range !== undefined && { 'content-range': range }),
  };
}
