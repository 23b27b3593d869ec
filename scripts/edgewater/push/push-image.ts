import {
  type Content,
  contentOf,
  type Image,
  type Manifest,
  readVerified,
} from '../image/content.ts';
import { inParallel } from '../in-parallel.ts';
import { ChunkReader, SourceError } from '../upload/chunk-reader.ts';
import { smallestChunk } from '../upload/chunk-size.ts';
import type { Progress, Transfer } from '../upload/progress.ts';
import { RegistryClient, type RegistryClientOptions } from '../upload/registry-client.ts';
import { sendContent } from '../upload/send-content.ts';
import { UploadRefusal, UploadSession } from '../upload/upload-session.ts';
import type { Answer } from '../upload/upstream.ts';
import { refusalFor } from './refusal.ts';

/** Where an image goes, and how. */
export interface PushOptions extends Omit<RegistryClientOptions, 'onRetry'> {
  repository: string;
  tag: string;
  concurrency: number; // blobs at a time
  chunkSize: number; // bytes
  progress: Progress;
}

/** What became of the blobs. */
export interface PushResult {
  sent: number;
  present: number;
}

/**
 * Pushes an image: layers, configs, what an index names, and the tag last, so that whoever pulls it
 * finds all of it.
 *
 * @throws RefusalError, ConnectionError
 */
export async function pushImage(image: Image, options: PushOptions): Promise<PushResult> {
  const push = new Push(options);
  await push.greet();
  const layers = await push.blobs(image.layers.map(contentOf));
  const configs = await push.blobs(image.configs.map(contentOf));
  const root = image.manifests.at(-1);
  for (const manifest of image.manifests) {
    await push.manifest(manifest, manifest === root ? options.tag : manifest.digest);
  }
  const results = [...layers, ...configs];
  const sent = results.filter((isSent) => isSent).length;
  return { sent, present: results.length - sent };
}

/** Pushes content that no manifest names yet. @throws as {@link pushImage} */
export async function pushBlobs(
  blobs: readonly Content[],
  options: Omit<PushOptions, 'tag'>,
): Promise<void> {
  const push = new Push({ ...options, tag: '' });
  await push.greet();
  await push.blobs(blobs);
}

class Push {
  readonly #options: PushOptions;
  readonly #client: RegistryClient;
  readonly #failure = new AbortController(); // of one blob ends the others

  constructor(options: PushOptions) {
    this.#options = options;
    this.#client = this.#newClient((why) => options.progress.say(`${why}; trying again`));
  }

  /** Gets the challenge before anything large is sent in vain. */
  async greet(): Promise<void> {
    const answer = await this.#ask('GET', '/v2/');
    if (answer.status !== 200) {
      throw refusalFor('cannot log in', answer);
    }
  }

  /** Sends each blob once. @returns for each whether it had to be sent */
  blobs(blobs: readonly Content[]): Promise<boolean[]> {
    const unique = new Map(blobs.map((blob) => [blob.digest, blob]));
    return inParallel([...unique.values()], this.#options.concurrency, (blob) => this.#blob(blob));
  }

  async manifest({ digest, mediaType, bytes }: Manifest, reference: string): Promise<void> {
    const path = this.#path(`manifests/${reference}`);
    const answer = await this.#client.persist({
      method: 'PUT',
      target: this.#client.upstream.at(path),
      headers: { 'content-type': mediaType },
      body: bytes,
    });
    if (answer.status !== 201) {
      throw refusalFor(`manifest ${digest}`, answer);
    }
  }

  async #blob(blob: Content): Promise<boolean> {
    const found = await this.#ask('HEAD', this.#path(`blobs/${blob.digest}`));
    if (found.status === 200) {
      return false;
    }
    if (found.status !== 404) {
      throw refusalFor(`blob ${blob.digest}`, found);
    }
    const transfer = this.#options.progress.start(blob.digest.slice(0, 19), blob.size);
    try {
      await this.#send(blob, transfer);
      transfer.end(null);
      return true;
    } catch (error) {
      const reason = reasonOf(error, blob);
      const isFirst = !this.#failure.signal.aborted;
      transfer.end(isFirst && reason instanceof Error ? reason.message : 'broken off');
      this.#failure.abort(reason);
      throw reason;
    }
  }

  async #send(blob: Content, transfer: Transfer): Promise<void> {
    const { repository, chunkSize } = this.#options;
    const client = this.#newClient(transfer.hinder);
    const algorithm = blob.digest.split(':', 1)[0];
    const query = algorithm === 'sha256' ? '' : `?digest-algorithm=${algorithm}`;
    const target = client.upstream.at(this.#path(`blobs/uploads/${query}`));
    const start = await client.persist({ method: 'POST', target, body: Buffer.alloc(0) });
    const { location, 'oci-chunk-min-length': minimum } = start.headers;
    if (start.status !== 202 || location === undefined) {
      throw new UploadRefusal(start);
    }
    const session = new UploadSession(client, {
      repository,
      location: client.upstream.follow(location, target),
      offset: 0,
      onOffset: transfer.update,
    });
    const size = Math.max(chunkSize, smallestChunk(minimum));
    try {
      const answer = await sendContent(
        session,
        new ChunkReader(readVerified(blob), size),
        blob.digest,
      );
      if (answer?.status !== 201) {
        throw new UploadRefusal(answer ?? start);
      }
    } catch (error) {
      await session.cancel();
      throw error;
    }
  }

  #ask(method: 'GET' | 'HEAD', path: string): Promise<Answer> {
    return this.#client.persist({ method, target: this.#client.upstream.at(path) });
  }

  #path(rest: string): string {
    return `/v2/${this.#options.repository}/${rest}`;
  }

  #newClient(onRetry: (why: string) => void): RegistryClient {
    const signal = AbortSignal.any([this.#options.signal, this.#failure.signal]);
    return new RegistryClient({ ...this.#options, signal, onRetry });
  }
}

/** What to say of a blob that could not be sent: what the registry says of it, or what it was read from. */
function reasonOf(error: unknown, { digest }: Content): unknown {
  if (error instanceof UploadRefusal) {
    return refusalFor(`blob ${digest}`, error.answer);
  }
  return error instanceof SourceError ? error.cause : error;
}
