import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { ConnectionError } from './connection-error.ts';
import { isTransient, Retry, type RetryPolicy } from './retry.ts';
import type { Answer, Upstream, UpstreamRequest } from './upstream.ts';

/** What goes into the Authorization header of requests to a registry. */
export interface Credentials {
  /** The header, or null for none. */
  header(): Promise<string | null>;

  /** After a 401: whether there is another header now that may do better. @throws ConnectionError */
  renew(refused: Answer): Promise<boolean>;
}

/** What a client of a registry works with. */
export interface RegistryClientOptions {
  upstream: Upstream;
  credentials: Credentials;
  policy: RetryPolicy;
  signal: AbortSignal;
  headers?: OutgoingHttpHeaders; // of every request
  onRetry?: (why: string) => void;
}

/** A request without what the client adds to it. A signal of its own goes before the client's. */
export type ClientRequest = Omit<UpstreamRequest, 'headers'> & {
  headers?: OutgoingHttpHeaders;
};

/** Asks a registry as somebody, and does not give up at once. */
export class RegistryClient {
  readonly upstream: Upstream;
  readonly #options: RegistryClientOptions;

  constructor(options: RegistryClientOptions) {
    this.upstream = options.upstream;
    this.#options = options;
  }

  /** A count of failures for one thing to be done. */
  newRetry(signal = this.#options.signal): Retry {
    return new Retry(this.#options.policy, signal);
  }

  /** @throws the signal's reason, when it has fired */
  throwIfAborted(): void {
    this.#options.signal.throwIfAborted();
  }

  /**
   * Sends a request once, or twice when fresh credentials are needed.
   *
   * @returns the answer, or why there is none
   * @throws the signal's reason
   */
  async once(request: ClientRequest): Promise<Answer | ConnectionError> {
    try {
      const answer = await this.#ask(request);
      const isRenewed = answer.status === 401 && (await this.#options.credentials.renew(answer));
      return isRenewed ? await this.#ask(request) : answer;
    } catch (error) {
      if (error instanceof ConnectionError) {
        return error;
      }
      throw error;
    }
  }

  /**
   * As {@link once}, but the body of the answer is the caller's to read, or to destroy.
   *
   * @throws the signal's reason
   */
  async open(request: ClientRequest): Promise<IncomingMessage | ConnectionError> {
    try {
      const response = await this.upstream.send(await this.#complete(request));
      const { statusCode: status = 0, headers, rawHeaders } = response;
      const refused = { status, headers, rawHeaders, body: Buffer.alloc(0) };
      if (status !== 401 || !(await this.#options.credentials.renew(refused))) {
        return response;
      }
      response.destroy();
      return await this.upstream.send(await this.#complete(request));
    } catch (error) {
      if (error instanceof ConnectionError) {
        return error;
      }
      throw error;
    }
  }

  /**
   * Sends a request, which does no harm twice, until it is answered with more than "not now".
   *
   * @throws ConnectionError when the last attempt had no answer
   */
  async persist(request: ClientRequest): Promise<Answer> {
    for (const retry = this.newRetry(); ; ) {
      const outcome = await this.once(request);
      if (!isTransient(outcome) || !(await this.wait(retry, outcome))) {
        return answerOf(outcome);
      }
    }
  }

  /** Waits before another try. False when there should be none. */
  wait(retry: Retry, outcome: Answer | ConnectionError): Promise<boolean> {
    this.#options.onRetry?.(
      outcome instanceof ConnectionError ? outcome.message : `it answered ${outcome.status}`,
    );
    return retry.wait(outcome);
  }

  async #ask(request: ClientRequest): Promise<Answer> {
    return this.upstream.ask(await this.#complete(request));
  }

  /** The request with all that each one has. */
  async #complete(request: ClientRequest): Promise<UpstreamRequest> {
    const { credentials, signal, headers } = this.#options;
    const authorization = await credentials.header();
    return {
      signal,
      ...request,
      headers: { ...headers, ...request.headers, ...(authorization !== null && { authorization }) },
    };
  }
}

/** The answer. @throws ConnectionError when there is none */
export function answerOf(outcome: Answer | ConnectionError): Answer {
  if (outcome instanceof ConnectionError) {
    throw outcome;
  }
  return outcome;
}
