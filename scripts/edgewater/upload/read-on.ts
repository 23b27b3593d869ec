import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { ConnectionError } from './connection-error.ts';
import { isTransient, RETRY_POLICY, Retry } from './retry.ts';
import type { Answer, Upstream, UpstreamRequest } from './upstream.ts';

/** What to read, and how to ask for it. */
export interface Reading {
  upstream: Upstream;
  offset: number; // bytes that are not wanted
  size: number; // bytes in all
  request: (offset: number) => Promise<UpstreamRequest>; // for the bytes from there on
  toError: (outcome: Answer | ConnectionError) => Error; // what is thrown of an answer in the end
  onRetry?: (why: string) => void;
}

/**
 * The bytes of something, asked for again from where they broke off. Something that is shorter, or longer,
 * than was thought comes as it is: whoever reads it compares digests.
 */
export async function* readOn(reading: Reading): AsyncGenerator<Buffer> {
  const { upstream, offset, size, request, toError, onRetry } = reading;
  const retry = new Retry(RETRY_POLICY, new AbortController().signal);
  for (let at = offset; at < size; ) {
    const before = at;
    let outcome = await open(upstream, await request(at));
    if ('stream' in outcome) {
      try {
        for await (const bytes of outcome.stream as AsyncIterable<Buffer>) {
          at += bytes.length;
          yield bytes;
        }
        if (at === before) {
          return; // there is no more of it
        }
        continue;
      } catch (error) {
        outcome = new ConnectionError(upstream.origin, error);
      }
    }
    if (at > before) {
      retry.reset();
    }
    onRetry?.(
      outcome instanceof ConnectionError ? outcome.message : `it answered ${outcome.status}`,
    );
    if (!isTransient(outcome) || !(await retry.wait(outcome))) {
      throw toError(outcome);
    }
  }
}

async function open(
  upstream: Upstream,
  request: UpstreamRequest,
): Promise<{ stream: IncomingMessage } | Answer | ConnectionError> {
  try {
    const stream = await upstream.send(request);
    const { statusCode: status = 0, headers, rawHeaders } = stream;
    return status === 200 || status === 206
      ? { stream }
      : { status, headers, rawHeaders, body: await buffer(stream) };
  } catch (error) {
    return error instanceof ConnectionError ? error : new ConnectionError(upstream.origin, error);
  }
}
