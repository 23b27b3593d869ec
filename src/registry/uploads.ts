import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { failObject } from '../rpc/object-failure.ts';
import { fromResult, type Result } from '../rpc/result.ts';
import { uploadObjectName } from '../storage/keys.ts';
import type { Chunk } from '../uploads/upload-content.ts';
import type { UploadProgress, UploadSession } from '../uploads/upload-session.ts';

export type { Chunk };

export type UploadSessions = DurableObjectNamespace<UploadSession>;

const SESSION_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The upload sessions of a repository; each is a Durable Object. */
export class Uploads {
  readonly #repository: RepositoryName;
  readonly #sessions: UploadSessions;

  constructor(repository: RepositoryName, sessions: UploadSessions) {
    this.#repository = repository;
    this.#sessions = sessions;
  }

  /** Opens a session that hashes with `algorithm` while it receives: its id. */
  async start(algorithm: DigestAlgorithm): Promise<string> {
    const id = crypto.randomUUID();
    await this.#ask(id, (session) => session.start(id, this.#repository, algorithm));
    return id;
  }

  /** @throws BLOB_UPLOAD_UNKNOWN */
  status(id: string): Promise<UploadProgress> {
    return this.#ask(id, (session) => session.status());
  }

  /** Appends to an upload; see {@link UploadSession.append}. */
  append(id: string, chunk: Chunk): Promise<UploadProgress> {
    return this.#ask(id, (session) => session.append(chunk));
  }

  /** Makes an upload a blob of the repository; see {@link UploadSession.finish}. */
  finish(id: string, digest: Digest, chunk: Chunk | null): Promise<UploadProgress> {
    return this.#ask(id, (session) => session.finish(digest, chunk));
  }

  /** @throws BLOB_UPLOAD_UNKNOWN */
  cancel(id: string): Promise<void> {
    return this.#ask(id, (session) => session.cancel());
  }

  async #ask<T>(
    id: string,
    question: (session: DurableObjectStub<UploadSession>) => Promise<Result<T>>,
  ): Promise<T> {
    if (!SESSION_ID.test(id)) {
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN');
    }
    const session = this.#sessions.getByName(uploadObjectName(this.#repository, id));
    return fromResult(await question(session).catch(failObject));
  }
}
