import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { ConnectionError } from '../upload/connection-error.ts';
import { readOn } from '../upload/read-on.ts';
import { RETRY_POLICY, Retry } from '../upload/retry.ts';
import { type Answer, Upstream, type UpstreamRequest } from '../upload/upstream.ts';
import type { BucketAddress } from './bucket-address.ts';
import type { BucketCredentials } from './bucket-credentials.ts';
import { bucketError, isWorthAnotherTry } from './bucket-error.ts';

/** A request to a place in a bucket. It does no harm twice. */
export interface BucketRequest {
  method: string;
  key?: string; // below the place; left out for the bucket itself
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: Buffer;
  patience?: number; // milliseconds without a byte in either direction
}

/**
 * Asks a bucket by the S3 API, with a signature (version 4) that covers the digest of the body: the server
 * takes no other bytes. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class BucketClient {
  readonly name: string; // what people call the place
  readonly root: string; // what every key begins with
  readonly #address: BucketAddress;
  readonly #credentials: BucketCredentials;
  readonly #onRetry: (why: string) => void;
  readonly #upstream: Upstream;
  readonly #keysOfSigning = new Map<string, ArrayBuffer>(); // by day: they take four HMACs each

  constructor(
    address: BucketAddress,
    credentials: BucketCredentials,
    onRetry: (why: string) => void,
  ) {
    this.#address = address;
    this.#credentials = credentials;
    this.#onRetry = onRetry;
    this.#upstream = new Upstream(address.endpoint.origin);
    this.root = address.prefix === '' ? '' : `${address.prefix}/`;
    this.name = ['s3:/', address.bucket, address.prefix].filter((part) => part !== '').join('/');
  }

  /**
   * Sends a request until it is answered with more than "not now".
   *
   * @returns an answer of 2xx
   * @throws BucketError for any other
   */
  async ask(request: BucketRequest): Promise<Answer> {
    for (const retry = new Retry(RETRY_POLICY, new AbortController().signal); ; ) {
      const outcome = await this.#once(request);
      if (!(outcome instanceof ConnectionError) && isDone(outcome)) {
        return outcome;
      }
      const error = bucketError(this.name, outcome);
      if (isWorthAnotherTry(outcome)) {
        this.#onRetry(error.message);
      }
      if (!isWorthAnotherTry(outcome) || !(await retry.wait(outcome))) {
        throw error;
      }
    }
  }

  /** The bytes of an object, however often the line breaks. @throws BucketError */
  read(key: string, size: number): AsyncGenerator<Buffer> {
    return readOn({
      upstream: this.#upstream,
      offset: 0,
      size,
      request: (offset) =>
        this.#sign({
          method: 'GET',
          key,
          headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
        }),
      toError: (outcome) => bucketError(this.name, outcome),
      onRetry: this.#onRetry,
    });
  }

  /** Lets the connections go. */
  close(): void {
    this.#upstream.close();
  }

  async #once(request: BucketRequest): Promise<Answer | ConnectionError> {
    try {
      return await this.#upstream.ask(await this.#sign(request));
    } catch (error) {
      if (error instanceof ConnectionError) {
        return error;
      }
      throw error;
    }
  }

  /** Each try has a signature of its own: it is good for some minutes. */
  async #sign(request: BucketRequest): Promise<UpstreamRequest> {
    const { method, key, query = {}, headers = {}, body = Buffer.alloc(0), patience } = request;
    const { endpoint, bucket } = this.#address;
    const path = key === undefined ? bucket : `${bucket}/${this.root}${key}`;
    const parameters = Object.entries(query).map((pair) => pair.map(encode).join('='));
    const target =
      `${endpoint.pathname.replace(/\/$/, '')}/${path.split('/').map(encode).join('/')}` +
      `${parameters.length > 0 ? '?' : ''}${parameters.join('&')}`;
    const signer = new AwsV4Signer({
      ...this.#credentials,
      method,
      url: `${endpoint.origin}${target}`,
      headers: {
        ...headers,
        'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
      },
      service: 's3',
      cache: this.#keysOfSigning,
    });
    const signed = await signer.sign();
    return {
      method,
      target: this.#upstream.at(target),
      headers: Object.fromEntries(signed.headers),
      ...(method !== 'GET' && { body }),
      ...(patience !== undefined && { patience }),
    };
  }
}

/** Completing an upload may fail after the status was sent. */
function isDone({ status, body }: Answer): boolean {
  return status >= 200 && status < 300 && !body.includes('<Error>');
}

/** As RFC 3986 and the signature have it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
