import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { RefusalError } from '../errors.ts';
import { type Blob, contentOf, readVerified } from '../image/content.ts';
import { ConnectionError } from '../upload/connection-error.ts';
import type { Transfer } from '../upload/progress.ts';
import type { RegistryClient } from '../upload/registry-client.ts';
import { isTransient } from '../upload/retry.ts';

/** A blob of a repository, and where it goes. */
export interface BlobFetch extends Blob {
  path: string; // on the registry
  partial: string; // the file for what has come so far
}

/** Whether a file has these bytes already. A file with others is as good as none. */
export async function isThere(blob: Blob): Promise<boolean> {
  if ((await stat(blob.file).catch(() => null))?.size !== blob.size) {
    return false;
  }
  try {
    for await (const _ of readVerified(contentOf(blob))) {
      // it is hashed on its way
    }
    return true;
  } catch (error) {
    if (error instanceof RefusalError) {
      return false;
    }
    throw error;
  }
}

/**
 * Fetches a blob into a file, which is there when it is whole and has the digest. After a failure, also
 * of an earlier run, it goes on where that ended.
 *
 * @throws RefusalError, ConnectionError when it has been tried often enough
 */
export async function fetchBlob(
  client: RegistryClient,
  blob: BlobFetch,
  transfer: Transfer,
): Promise<void> {
  await mkdir(dirname(blob.partial), { recursive: true });
  await mkdir(dirname(blob.file), { recursive: true });
  const file = await open(blob.partial, 'a');
  try {
    await new Fetch(client, blob, file, transfer).run();
  } finally {
    await file.close();
  }
  await rename(blob.partial, blob.file);
}

class Fetch {
  readonly #client: RegistryClient;
  readonly #blob: BlobFetch;
  readonly #file: FileHandle;
  readonly #transfer: Transfer;
  #hash: Hash;
  #offset = 0; // bytes that the file has and the hash has seen

  constructor(client: RegistryClient, blob: BlobFetch, file: FileHandle, transfer: Transfer) {
    this.#client = client;
    this.#blob = blob;
    this.#file = file;
    this.#transfer = transfer;
    this.#hash = this.#newHash();
  }

  async run(): Promise<void> {
    const { digest, partial } = this.#blob;
    for await (const bytes of createReadStream(partial)) {
      this.#count(bytes);
    }
    const isResumed = this.#offset > 0;
    await this.#fetchAll();
    if (!this.#isRight() && isResumed) {
      await this.#startAnew(); // what an earlier run has left may be damaged
      await this.#fetchAll();
    }
    if (!this.#isRight()) {
      await rm(partial, { force: true });
      throw new RefusalError(
        `the registry has other content under ${digest}; an administrator finds it with ` +
          '"edgewater scrub", and pushing it again mends it',
      );
    }
  }

  /** Fetches what is missing, as often as it takes. */
  async #fetchAll(): Promise<void> {
    for (const retry = this.#client.newRetry(); this.#offset < this.#blob.size; ) {
      const before = this.#offset;
      const failure = await this.#fetchRest();
      if (this.#offset > before) {
        retry.reset();
      }
      if (failure !== null) {
        this.#transfer.hinder(failure.message);
        if (failure.isPermanent || !(await this.#client.wait(retry, failure))) {
          throw failure;
        }
      }
    }
  }

  #isRight(): boolean {
    const { digest, size } = this.#blob;
    const actual = `${digest.split(':', 1)[0]}:${this.#hash.copy().digest('hex')}`;
    return actual === digest && this.#offset === size;
  }

  /** Why the rest did not come, or null. @throws RefusalError */
  async #fetchRest(): Promise<ConnectionError | null> {
    const { path } = this.#blob;
    const response = await this.#client.open({
      method: 'GET',
      target: this.#client.upstream.at(path),
      headers: this.#offset > 0 ? { range: `bytes=${this.#offset}-` } : {},
    });
    if (response instanceof ConnectionError) {
      return response;
    }
    const { statusCode: status = 0, headers, rawHeaders } = response;
    if (isTransient({ status, headers, rawHeaders, body: Buffer.alloc(0) })) {
      response.destroy();
      return new ConnectionError(this.#client.upstream.origin, new Error(`it answered ${status}`));
    }
    const isRest =
      status === 206 && headers['content-range']?.startsWith(`bytes ${this.#offset}-`) === true;
    if (status !== 200 && !isRest) {
      response.destroy();
      throw new RefusalError(`blob ${this.#blob.digest}: the registry answered ${status}`, status);
    }
    if (status === 200) {
      await this.#startAnew();
    }
    return this.#save(response);
  }

  async #save(response: IncomingMessage): Promise<ConnectionError | null> {
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) {
        if (this.#offset + bytes.length > this.#blob.size) {
          throw new RefusalError(`the registry sends more than ${this.#blob.digest} has`);
        }
        await this.#file.writeFile(bytes);
        this.#count(bytes);
      }
      return null;
    } catch (error) {
      this.#client.throwIfAborted();
      if (error instanceof RefusalError || (error as NodeJS.ErrnoException).syscall === 'write') {
        throw error; // the disk is full, for one
      }
      return new ConnectionError(this.#client.upstream.origin, error);
    }
  }

  async #startAnew(): Promise<void> {
    await this.#file.truncate();
    this.#hash = this.#newHash();
    this.#offset = 0;
  }

  #count(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#offset += bytes.length;
    this.#transfer.update(this.#offset);
  }

  #newHash(): Hash {
    return createHash(this.#blob.digest.split(':', 1)[0] ?? '');
  }
}
