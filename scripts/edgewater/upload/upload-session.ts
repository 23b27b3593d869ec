import { ConnectionError } from './connection-error.ts';
import { parseOffset } from './offset.ts';
import { answerOf, type ClientRequest, type RegistryClient } from './registry-client.ts';
import { isTransient } from './retry.ts';
import type { Answer, Target } from './upstream.ts';

/** The registry refuses to go on, and says why. */
export class UploadRefusal extends Error {
  override readonly name = 'UploadRefusal';
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`the registry answered ${answer.status}`);
    this.answer = answer;
  }
}

/** Where an upload begins. */
export interface UploadStart {
  repository: string;
  location: Target;
  offset: number | null; // bytes that the session has; null to ask it
  isClaimed?: boolean; // a client says so: a 416 before anything else is for that client
  onOffset?: (offset: number) => void; // bytes sent, which falls when some were lost
}

const FINISH_PATIENCE = 300_000; // milliseconds: a registry may read all of the blob again
const CANCEL_PATIENCE = 10_000; // milliseconds

/**
 * One upload session of a registry, as the sender sees it: bytes go out in chunks, and after a failure
 * the session is asked how many it has.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export class UploadSession {
  readonly #client: RegistryClient;
  readonly #repository: string;
  readonly #onOffset: (offset: number) => void;
  #location: Target;
  #offset: number;
  #isKnown: boolean; // whether the offset is the session's
  readonly #isClaimed: boolean;
  #hasSent = false;
  #isWhole = false;
  #answer: Answer | null = null;

  constructor(client: RegistryClient, start: UploadStart) {
    this.#client = client;
    this.#repository = start.repository;
    this.#location = start.location;
    this.#offset = start.offset ?? 0;
    this.#isKnown = start.offset !== null;
    this.#isClaimed = start.isClaimed ?? false;
    this.#onOffset = start.onOffset ?? (() => {});
  }

  /** Bytes that the session has. */
  get offset(): number {
    return this.#offset;
  }

  /** Where it goes on. */
  get location(): Target {
    return this.#location;
  }

  /** The last answer that told of progress; null before there is one. */
  get answer(): Answer | null {
    return this.#answer;
  }

  /** Whether the request that makes a blob of it has gone out. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Asks the session where it is, unless that is known. @throws as {@link append} */
  async synchronise(): Promise<void> {
    for (const retry = this.#client.newRetry(); !this.#isKnown; ) {
      const outcome = await this.#client.once(this.#status());
      if (!isTransient(outcome)) {
        const answer = accepted(outcome);
        this.#follow(answer);
        this.#offset = parseOffset(answer.headers.range)?.offset ?? 0;
        this.#isKnown = true;
      } else if (!(await this.#client.wait(retry, outcome))) {
        accepted(outcome);
      }
    }
  }

  /**
   * Sends bytes after those that the session has, as often as it takes. A 416 to the first of them
   * says that the session is elsewhere than was thought; it never says that it has these.
   *
   * @throws UploadRefusal, ConnectionError when it has been tried often enough, and Error when the
   *   session has fewer bytes than before these, or more than with them
   */
  async append(bytes: Buffer): Promise<void> {
    let start = this.#offset;
    let end = start + bytes.length;
    for (const retry = this.#client.newRetry(); !this.#isKnown || this.#offset < end; ) {
      const before = this.#offset;
      const isSent = this.#isKnown;
      const isFirst = !this.#hasSent;
      const outcome = await this.#client.once(
        isSent ? this.#chunk('PATCH', bytes.subarray(before - start)) : this.#status(),
      );
      this.#hasSent = true;
      this.#isKnown = !isInterruption(outcome);
      if (this.#isKnown) {
        const answer = accepted(outcome, isFirst && this.#isClaimed ? [] : [416]);
        this.#follow(answer);
        if (isFirst && answer.status === 416) {
          start = this.#offset = offsetOfRefusal(answer, before);
          end = start + bytes.length;
          continue;
        }
        this.#offset = isSent
          ? offsetAfter(answer, { start, sent: before, end })
          : offsetOf(answer, { start, end });
      }
      this.#onOffset(this.#offset);
      if (this.#offset > before) {
        retry.reset();
      } else if (isSent || !this.#isKnown) {
        this.#isKnown = false;
        if (!(await this.#client.wait(retry, outcome))) {
          throw outcome instanceof ConnectionError ? outcome : new UploadRefusal(outcome);
        }
      }
    }
  }

  /**
   * Sends the last bytes and the digest in one request.
   *
   * @returns the answer, or null when it is not known what became of them: {@link append} them
   */
  async finishWith(bytes: Buffer, digest: string): Promise<Answer | null> {
    this.#hasSent = true;
    this.#isWhole = true;
    const outcome = await this.#client.once({
      ...this.#chunk('PUT', bytes),
      target: withDigest(this.#location, digest),
      patience: FINISH_PATIENCE,
    });
    this.#isKnown = !isInterruption(outcome);
    this.#onOffset(this.#isKnown ? this.#offset + bytes.length : this.#offset);
    return this.#isKnown ? answerOf(outcome) : null;
  }

  /**
   * Makes a blob of what was sent. An answer that got lost is asked for again, and when the session is
   * gone by then, the blob tells whether it was made. The answer may be a refusal.
   *
   * @param isRepeated whether an earlier request may have finished it already
   * @throws ConnectionError
   */
  async finish(digest: string, isRepeated = false): Promise<Answer> {
    const request = {
      method: 'PUT',
      target: withDigest(this.#location, digest),
      body: Buffer.alloc(0),
      patience: FINISH_PATIENCE,
    };
    this.#isWhole = true;
    let isUncertain = isRepeated;
    for (const retry = this.#client.newRetry(); ; isUncertain = true) {
      const outcome = await this.#client.once(request);
      if (isTransient(outcome) && (await this.#client.wait(retry, outcome))) {
        continue;
      }
      const answer = answerOf(outcome);
      const isGone = answer.status === 404 && isUncertain;
      return (isGone ? await this.#findBlob(digest) : null) ?? answer;
    }
  }

  /** Gives the upload up, if the registry can be told so: it would expire by itself. */
  async cancel(): Promise<void> {
    const signal = AbortSignal.timeout(CANCEL_PATIENCE); // the client's own may have fired
    const request = { method: 'DELETE', target: this.#location, signal };
    const retry = this.#client.newRetry(signal);
    try {
      // The session may be busy for a moment with the chunk that broke off.
      let outcome = await this.#client.once(request);
      while (isTransient(outcome) && (await retry.wait(outcome))) {
        outcome = await this.#client.once(request);
      }
    } catch {
      // It took too long.
    }
  }

  #status(): ClientRequest {
    return { method: 'GET', target: this.#location };
  }

  #chunk(method: 'PATCH' | 'PUT', bytes: Buffer): ClientRequest {
    const range = `${this.#offset}-${this.#offset + bytes.length - 1}`;
    let sent = this.#offset;
    return {
      method,
      target: this.#location,
      headers: {
        'content-type': 'application/octet-stream',
        ...((method === 'PATCH' || this.#offset > 0) && { 'content-range': range }),
      },
      body: bytes,
      onSent: (length) => {
        sent += length;
        this.#onOffset(sent);
      },
    };
  }

  #follow(answer: Answer): void {
    const { location } = answer.headers;
    if (location !== undefined) {
      this.#location = this.#client.upstream.follow(location, this.#location);
    }
    if (answer.status !== 416) {
      this.#answer = answer;
    }
  }

  /** The answer to the PUT that made the blob, as far as it can be told from the blob. */
  async #findBlob(digest: string): Promise<Answer | null> {
    const path = `/v2/${this.#repository}/blobs/${digest}`;
    const target = this.#client.upstream.at(path);
    const { status } = await this.#client.persist({ method: 'HEAD', target });
    const headers = { location: path, 'docker-content-digest': digest };
    const rawHeaders = Object.entries(headers).flat();
    return status === 200 ? { status: 201, headers, rawHeaders, body: Buffer.alloc(0) } : null;
  }
}

/** Whether bytes may have got lost: nothing arrived, or Edgewater says that the body broke off. */
function isInterruption(outcome: Answer | ConnectionError): boolean {
  return (
    isTransient(outcome) ||
    (!(outcome instanceof ConnectionError) &&
      outcome.status === 400 &&
      outcome.body.includes('"BLOB_UPLOAD_INVALID"'))
  );
}

/** @throws UploadRefusal for a status that is neither 2xx nor in `others`, ConnectionError */
function accepted(outcome: Answer | ConnectionError, others: readonly number[] = []): Answer {
  const answer = answerOf(outcome);
  if (!(answer.status >= 200 && answer.status < 300) && !others.includes(answer.status)) {
    throw new UploadRefusal(answer);
  }
  return answer;
}

/** Bytes of the session after a chunk that began at `sent`. One that was taken without a word is whole. */
function offsetAfter(
  answer: Answer,
  { start, sent, end }: { start: number; sent: number; end: number },
): number {
  if (answer.status === 416) {
    const offset = offsetOfRefusal(answer, sent);
    return offset === 1 && sent === 0 ? 1 : offsetOf(answer, { start, end });
  }
  // Registries older than the spec's wording tell the range of the chunk alone.
  const { offset = end } = parseOffset(answer.headers.range) ?? {};
  return offset > sent && offset < end ? offset : end;
}

/** Bytes of a session that has refused a chunk which began at `sent`. */
function offsetOfRefusal(answer: Answer, sent: number): number {
  const { offset = sent, isAmbiguous = false } = parseOffset(answer.headers.range) ?? {};
  return isAmbiguous && sent === 0 ? 1 : offset; // it would not have refused 0
}

/** Bytes that the session says it has. @throws Error when the buffered ones do not follow them */
function offsetOf(answer: Answer, { start, end }: { start: number; end: number }): number {
  const { offset = start, isAmbiguous = false } = parseOffset(answer.headers.range) ?? {};
  const actual = isAmbiguous && start === 1 ? 1 : offset;
  if (actual < start || actual > end) {
    throw new Error(
      `the registry has ${actual} bytes of an upload of which ${start} to ${end} are at hand; push again`,
    );
  }
  return actual;
}

/** Adds the parameter, and leaves the rest as the registry wrote it. */
function withDigest({ origin, path }: Target, digest: string): Target {
  const separator = path.includes('?') ? '&' : '?';
  return { origin, path: `${path}${separator}digest=${encodeURIComponent(digest)}` };
}
