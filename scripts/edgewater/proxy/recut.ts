import { ChunkReader, SourceError } from '../upload/chunk-reader.ts';
import { smallestChunk } from '../upload/chunk-size.ts';
import type { Transfer } from '../upload/progress.ts';
import { RegistryClient } from '../upload/registry-client.ts';
import { sendContent } from '../upload/send-content.ts';
import { UploadRefusal, UploadSession } from '../upload/upload-session.ts';
import type { Answer, Target } from '../upload/upstream.ts';
import type { Exchange } from './exchange.ts';
import { passThrough } from './pass-through.ts';
import { type Route, withoutDigest } from './route.ts';
import { type Services, type Session, sessionKey } from './services.ts';

type UploadRoute = Extract<Route, { kind: 'post' | 'patch' | 'put' }>;

/** What a client's Content-Range claims. */
type Claim = { first: number } | 'none' | 'wrong';

/** Takes the body of an upload and sends it on in chunks that the edge lets through. */
export async function recut(
  exchange: Exchange,
  route: UploadRoute,
  services: Services,
): Promise<void> {
  const claim = claimOf(exchange);
  if (claim === 'wrong') {
    return passThrough(exchange, services); // for the registry to refuse
  }
  const transfer = services.progress.start(route.repository, exchange.length);
  const recutter = new Recutter(exchange, route, services, transfer);
  try {
    const answer = await (route.kind === 'post' ? recutter.post() : recutter.continue(claim));
    transfer.end(answer.status < 400 ? null : `the registry answered ${answer.status}`);
    recutter.reply(answer);
  } catch (error) {
    if (error instanceof SourceError) {
      await recutter.abandon(claim);
    }
    transfer.end(explain(error));
    if (error instanceof UploadRefusal) {
      recutter.reply(error.answer);
    } else if (!(error instanceof SourceError)) {
      throw error;
    }
  }
}

class Recutter {
  readonly #exchange: Exchange;
  readonly #route: UploadRoute;
  readonly #services: Services;
  readonly #transfer: Transfer;
  readonly #client: RegistryClient;
  #session: UploadSession | null = null;

  constructor(exchange: Exchange, route: UploadRoute, services: Services, transfer: Transfer) {
    this.#exchange = exchange;
    this.#route = route;
    this.#services = services;
    this.#transfer = transfer;
    this.#client = new RegistryClient({
      upstream: services.upstream,
      credentials: services.tokens.credentials(exchange.request.headers.authorization),
      policy: services.policy,
      signal: exchange.gone,
      headers: { ...exchange.headers, 'accept-encoding': 'identity' }, // errors in it are read
      onRetry: transfer.hinder,
    });
  }

  /** POST ?digest=: one that is small goes as it is, a larger one by a session. */
  async post(): Promise<Answer> {
    const { length, path } = this.#exchange;
    const { upstream, chunkSize } = this.#services;
    if (length !== null && length <= chunkSize) {
      const body = (await this.#read(chunkSize).next()).bytes;
      return this.#client.persist({ method: 'POST', target: upstream.at(path), body });
    }
    const target = upstream.at(withoutDigest(path));
    const answer = await this.#client.persist({ method: 'POST', target, body: Buffer.alloc(0) });
    const { location, 'oci-chunk-min-length': minimum } = answer.headers;
    if (answer.status !== 202 || location === undefined) {
      return answer;
    }
    const known = { offset: 0, minimum: smallestChunk(minimum) };
    return this.#send(upstream.follow(location, target), known, false);
  }

  /** PATCH and PUT of a session. */
  async continue(claim: Exclude<Claim, 'wrong'>): Promise<Answer> {
    const target = this.#services.upstream.at(withoutDigest(this.#exchange.path));
    const known = this.#services.sessions.get(sessionKey(target));
    const minimum = known?.minimum ?? 0;
    if (claim !== 'none') {
      return this.#send(target, { offset: claim.first, minimum }, true);
    }
    return this.#send(target, { offset: known?.offset ?? null, minimum }, false);
  }

  /** Answers the client. */
  reply(answer: Answer): void {
    const isFromStatus = this.#route.kind === 'patch' && answer.status === 204;
    this.#exchange.reply(answer, isFromStatus ? 202 : answer.status);
  }

  /**
   * The client is gone. One that sends a whole blob begins anew with another session, so this one's
   * storage is freed; one that sends chunks may come back. What was sent whole may be a blob by now.
   */
  async abandon(claim: Claim): Promise<void> {
    if (claim === 'none' && this.#session?.isWhole !== true) {
      await this.#session?.cancel();
    }
  }

  async #send(location: Target, { offset, minimum }: Session, isClaimed: boolean): Promise<Answer> {
    const { repository } = this.#route;
    const digest = this.#route.kind === 'patch' ? null : this.#route.digest;
    const start = { repository, location, offset, isClaimed, onOffset: this.#transfer.update };
    const session = new UploadSession(this.#client, start);
    this.#session = session;
    if (!this.#exchange.hasBody && digest !== null) {
      return session.finish(digest);
    }
    const { sessions } = this.#services;
    sessions.set(sessionKey(location), { offset: null, minimum }); // until all of it has arrived
    const chunks = this.#read(Math.max(this.#services.chunkSize, minimum));
    const answer = await sendContent(session, chunks, digest);
    sessions.set(sessionKey(session.location), { offset: session.offset, minimum });
    return answer ?? this.#client.persist({ method: 'PATCH', target: location, body: EMPTY });
  }

  #read(size: number): ChunkReader {
    return new ChunkReader(this.#exchange.request, size);
  }
}

const EMPTY = Buffer.alloc(0);

function claimOf({ request, length }: Exchange): Claim {
  const { 'content-range': header } = request.headers;
  if (header === undefined) {
    return 'none';
  }
  const [, first, last] = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(header) ?? [];
  const claimed = Number(last) - Number(first) + 1;
  const isRight = claimed > 0 && (length === null || length === claimed);
  return isRight ? { first: Number(first) } : 'wrong';
}

function explain(error: unknown): string {
  if (error instanceof SourceError) {
    return 'the client went away';
  }
  if (error instanceof UploadRefusal && error.answer.status === 401) {
    return 'the token has expired and this proxy did not fetch it, so it cannot renew it; push again';
  }
  if (error instanceof UploadRefusal && error.answer.status === 413) {
    return 'the edge refuses this much in one request (413); give a smaller --chunk-size';
  }
  return error instanceof Error ? error.message : String(error);
}
