import type { IncomingMessage } from 'node:http';
import { ChunkReader } from '../upload/chunk-reader.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import { RegistryClient } from '../upload/registry-client.ts';
import { Retry } from '../upload/retry.ts';
import type { UpstreamRequest } from '../upload/upstream.ts';
import type { Exchange } from './exchange.ts';
import { ownRealm } from './headers.ts';
import { type Services, sessionKey } from './services.ts';

const ATTEMPTS = 3; // of a request that only asks
const MAX_BUFFERED = 8 * 2 ** 20; // bytes: a manifest has 4 MiB, a request for a token less

/** Hands a request and its answer through as they come. */
export async function passThrough(exchange: Exchange, services: Services): Promise<void> {
  const { upstream, realms, sessions } = services;
  const request: UpstreamRequest = {
    method: exchange.method,
    target: upstream.at(exchange.path),
    headers: { ...exchange.headers, ...framing(exchange) },
    signal: exchange.gone,
    ...(exchange.hasBody && { body: exchange.request }),
  };
  const answer = await sendPatiently(request, exchange, services);
  const realm = ownRealm(answer.rawHeaders, upstream.origin);
  if (realm !== null) {
    realms.set(realm, true);
  }
  if (answer.statusCode === 202 && answer.headers.location !== undefined) {
    const location = upstream.follow(answer.headers.location, request.target);
    const minimum = Number(answer.headers['oci-chunk-min-length'] ?? 0) || 0;
    sessions.set(sessionKey(location), { offset: 0, minimum });
  }
  await exchange.stream(answer);
}

/** Fetches a token for a client, and remembers how. */
export async function fetchToken(
  exchange: Exchange,
  { upstream, tokens }: Services,
): Promise<void> {
  const { bytes } = await new ChunkReader(exchange.request, MAX_BUFFERED).next();
  const request = {
    method: exchange.method,
    target: upstream.at(exchange.path),
    headers: { ...exchange.headers, 'accept-encoding': 'identity' },
    ...(exchange.hasBody && { body: Buffer.from(bytes) }),
  };
  const answer = await upstream.ask({ ...request, signal: exchange.gone });
  tokens.note(request, answer);
  exchange.reply(answer);
}

/** Puts a manifest, which does no harm twice: docker gives up a push when this fails once. */
export async function putManifest(exchange: Exchange, services: Services): Promise<void> {
  if (exchange.length === null || exchange.length > MAX_BUFFERED) {
    return passThrough(exchange, services);
  }
  const { bytes } = await new ChunkReader(exchange.request, exchange.length).next();
  const client = new RegistryClient({
    upstream: services.upstream,
    credentials: services.tokens.credentials(exchange.request.headers.authorization),
    policy: services.policy,
    signal: exchange.gone,
    headers: exchange.headers,
    onRetry: (why) => services.progress.say(`a manifest: ${why}; trying again`),
  });
  const target = services.upstream.at(exchange.path);
  exchange.reply(await client.persist({ method: 'PUT', target, body: bytes }));
}

/** A connection that was kept may be closed just then; what has no body and changes nothing goes again. */
async function sendPatiently(
  request: UpstreamRequest,
  exchange: Exchange,
  { upstream, policy }: Services,
): Promise<IncomingMessage> {
  const isRepeatable = !exchange.hasBody && ['GET', 'HEAD', 'POST'].includes(exchange.method);
  const attempts = isRepeatable ? ATTEMPTS : 1;
  for (const retry = new Retry({ ...policy, attempts }, exchange.gone); ; ) {
    try {
      return await upstream.send(request);
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
