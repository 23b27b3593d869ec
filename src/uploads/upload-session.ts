/**
 * One upload session: the Durable Object that owns an upload whole.
 *
 * ```
 *            append                a crash, a wrong digest:    repeated PUT: 201
 *             ┌──┐                 ┌──┐ the next PUT goes on    ┌──┐
 *  start ──▶ OPEN ─── finish ──▶ COMPLETING ───────────────▶ COMMITTED ── 10 min ──▶ nothing
 *             │                    │
 *             └─── cancel, 24 h ───┴──▶ CLOSED (abort multipart, key to the trash) ──▶ nothing
 * ```
 *
 * One writer, so no locks: the body streams Worker → object → R2, and while one request sends bytes
 * or finishes, any other but a status is told to come back, unless the sender hangs and the other goes
 * on where it is. An answer is a promise: parts and tail
 * are durable before it leaves (Durable Objects hold it back until they are). Only the running hash
 * lives in memory alone. If an eviction takes it, finishing reads the object once.
 *
 * What makes the end safe is in D1: committing consumes the intent that {@link UploadSession.start}
 * announced, and so does closing. Exactly one of both happens.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { algorithmOf, type Digest, type DigestAlgorithm } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { type Result, toResult } from '../rpc/result.ts';
import { BlobStore } from '../storage/blob-store.ts';
import { blobKey } from '../storage/keys.ts';
import { readLifetimes } from '../storage/metadata/lifetimes.ts';
import { MetadataStore } from '../storage/metadata/metadata-store.ts';
import { type Chunk, UploadContent } from './upload-content.ts';
import { UploadRecord, type UploadSessionRow } from './upload-record.ts';
import { UploadRoom } from './upload-room.ts';
import { UploadTurn } from './upload-turn.ts';

const SESSION_LIFETIME = 24 * 60 * 60; // seconds
const COMMITTED_LIFETIME = 10 * 60; // seconds
const RETRY_DELAY = 60; // seconds

/** Where the upload is: how many bytes it has, and whether a chunk was refused for starting elsewhere. */
export interface UploadProgress {
  offset: number; // bytes
  isOutOfOrder: boolean;
}

export class UploadSession extends DurableObject<Env> {
  readonly #blobs: BlobStore;
  readonly #metadata: MetadataStore;
  readonly #record: UploadRecord;
  readonly #content: UploadContent;
  readonly #turn: UploadTurn;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#blobs = new BlobStore(env.BUCKET);
    this.#metadata = new MetadataStore(env.DB, readLifetimes(env.LIFETIMES));
    this.#record = new UploadRecord(context.storage);
    this.#content = new UploadContent(this.#record, this.#blobs);
    this.#turn = new UploadTurn(this.#record, this.#content);
  }

  /** Opens the session; call it once, before anything else. */
  start(id: string, repository: RepositoryName, algorithm: DigestAlgorithm): Promise<Result<void>> {
    return toResult(async () => {
      const key = blobKey(id);
      const announced = this.#metadata.uploads.announce(id, repository, key, SESSION_LIFETIME);
      this.#record.save({
        id,
        repository,
        key,
        algorithm,
        state: 'open',
        multipartId: null,
        digest: null,
        size: 0,
        isStored: false,
      });
      try {
        const [room] = await Promise.all([announced, this.#wakeIn(SESSION_LIFETIME)]);
        if (room !== null) {
          this.#record.save({ ...this.#record.requireRow(), room });
        }
      } catch (error) {
        await this.#record.clear();
        throw error;
      }
    });
  }

  /**
   * How far the upload is. Bytes of a request under way count as soon as they are safe.
   *
   * @throws BLOB_UPLOAD_UNKNOWN
   */
  status(): Promise<Result<UploadProgress>> {
    return toResult(async () => {
      const { state, size } = this.#record.requireRow('open', 'completing');
      return state === 'open' ? this.#progress() : { offset: size, isOutOfOrder: false };
    });
  }

  /**
   * Appends a chunk, unless it starts elsewhere than at the end or the end was there already.
   *
   * @throws BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID, SIZE_INVALID, UPLOAD_TOO_LARGE,
   *   TOOMANYREQUESTS, UNAVAILABLE, QUOTA_OF_BYTES_EXCEEDED
   */
  append(chunk: Chunk): Promise<Result<UploadProgress>> {
    return this.#turn.take(async () => {
      const { state, size } = this.#record.requireRow('open', 'completing');
      return state === 'open' ? this.#append(chunk, null) : { offset: size, isOutOfOrder: true };
    }, chunk);
  }

  /**
   * Appends a last chunk, if there is one, and makes the upload the blob `digest`. Safe to repeat:
   * a wrong digest loses nothing, and once committed the answer is the same for ten minutes.
   *
   * @throws DIGEST_INVALID when the bytes have another digest; QUOTA_OF_REPOSITORIES_EXCEEDED; NAME_UNKNOWN
   *   where pushes make no repositories; else like {@link append}. What a quota or the missing repository
   *   refuses can be finished later.
   */
  finish(digest: Digest, chunk: Chunk | null): Promise<Result<UploadProgress>> {
    return this.#turn.take(async () => {
      if (this.#record.requireRow('open', 'completing', 'committed').state === 'open') {
        const progress = await this.#receive(digest, chunk);
        if (progress.isOutOfOrder) {
          return progress;
        }
      }
      if (this.#record.requireRow('completing', 'committed').state === 'completing') {
        await this.#store();
        await this.#verify(digest);
        await this.#commit(digest);
      }
      const { digest: committed, size } = this.#record.requireRow('committed');
      if (committed !== digest) {
        throw new RegistryError('BLOB_UPLOAD_UNKNOWN', `this upload became the blob ${committed}`);
      }
      return { offset: size, isOutOfOrder: false };
    }, chunk);
  }

  /**
   * Gives the upload up and frees what it stored. Safe to repeat until that is done.
   *
   * @throws BLOB_UPLOAD_UNKNOWN when there is none, or it is a blob already; TOOMANYREQUESTS
   */
  cancel(): Promise<Result<void>> {
    return this.#turn.take(async () => {
      this.#record.requireRow('open', 'completing', 'closed');
      await this.#close();
    });
  }

  /** Expires the session, or forgets one that is over. */
  override async alarm(): Promise<void> {
    const { row } = this.#record;
    if (row === null || row.state === 'committed') {
      await this.#record.clear();
    } else if (this.#turn.isTaken) {
      await this.#wakeIn(RETRY_DELAY);
    } else {
      await this.#close();
    }
  }

  /** `digest` is that of the whole upload, if the chunk ends it. */
  async #append(chunk: Chunk, digest: Digest | null): Promise<UploadProgress> {
    const isOutOfOrder = chunk.range !== null && chunk.range.first !== this.#record.offset;
    if (!isOutOfOrder) {
      const room = new UploadRoom(this.#record, this.#metadata.quotas);
      await room.admit(chunk, digest);
      if (!(await this.#content.append(chunk, room.most))) {
        const refusal = await room.refusal();
        await this.#close(); // what is there of it cannot become anything
        throw refusal;
      }
    }
    return { offset: this.#record.offset, isOutOfOrder };
  }

  /** Takes the last bytes. Completes the upload unless they are known to be others. */
  async #receive(digest: Digest, chunk: Chunk | null): Promise<UploadProgress> {
    if (chunk !== null && this.#content.isWhole(chunk)) {
      await new UploadRoom(this.#record, this.#metadata.quotas).admit(chunk, digest);
      await this.#content.putWhole(chunk.body, chunk.length, digest);
      this.#complete({ digest, size: chunk.length, isStored: true });
      return this.#progress();
    }
    const progress = chunk === null ? this.#progress() : await this.#append(chunk, digest);
    if (!progress.isOutOfOrder) {
      const actual = this.#content.digest(algorithmOf(digest));
      if (actual !== null && actual !== digest) {
        throw mismatch(actual);
      }
      this.#complete({ digest: actual, size: progress.offset, isStored: false });
    }
    return progress;
  }

  #complete(outcome: Pick<UploadSessionRow, 'digest' | 'size' | 'isStored'>): void {
    this.#record.save({ ...this.#record.requireRow('open'), ...outcome, state: 'completing' });
  }

  /** Makes one object of what was received. */
  async #store(): Promise<void> {
    const { isStored, digest } = this.#record.requireRow('completing');
    if (isStored) {
      return;
    }
    if (!(await this.#content.store(digest))) {
      await this.#close();
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN', 'the upload is damaged; start a new one');
    }
    this.#record.save({ ...this.#record.requireRow('completing'), isStored: true });
  }

  /** Makes sure that the object has the digest, by reading it if nothing else can tell. */
  async #verify(digest: Digest): Promise<void> {
    const algorithm = algorithmOf(digest);
    const row = this.#record.requireRow('completing');
    const actual =
      row.digest !== null && algorithmOf(row.digest) === algorithm
        ? row.digest
        : await this.#content.readBack(algorithm);
    this.#record.save({ ...row, digest: actual });
    if (actual !== digest) {
      throw mismatch(actual);
    }
  }

  async #commit(digest: Digest): Promise<void> {
    const row = this.#record.requireRow('completing');
    const isCommitted = await this.#metadata.uploads.commit({ ...row, digest });
    // Without its intent, which expired, it is a blob if somebody else has pushed the same.
    if (
      !isCommitted &&
      (await this.#metadata.blobs.findAndLease(row.repository, digest)) === null
    ) {
      await this.#close();
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN');
    }
    this.#record.save({ ...row, state: 'committed' });
    this.#content.clear();
    await this.#wakeIn(COMMITTED_LIFETIME);
  }

  async #close(): Promise<void> {
    const row = this.#record.requireRow('open', 'completing', 'closed');
    this.#record.save({ ...row, state: 'closed' });
    await this.#wakeIn(RETRY_DELAY); // should one of these fail
    await this.#metadata.uploads.abandon(row.id);
    if (row.multipartId !== null) {
      await this.#blobs.abortMultipart(row.key, row.multipartId);
    }
    await this.#record.clear();
  }

  #progress(): UploadProgress {
    return { offset: this.#record.offset, isOutOfOrder: false };
  }

  #wakeIn(seconds: number): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + seconds * 1000);
  }
}

function mismatch(actual: Digest): RegistryError {
  return new RegistryError('DIGEST_INVALID', `the upload has the digest ${actual}`);
}
