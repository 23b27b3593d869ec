import { contentLength } from '../http/body.ts';
import {
  blobLocation,
  DOCKER_CONTENT_DIGEST,
  DOCKER_UPLOAD_UUID,
  uploadLocation,
} from '../http/headers.ts';
import { formatUploadRange, parseChunkRange } from '../http/range.ts';
import {
  algorithmOf,
  CANONICAL_ALGORITHM,
  type Digest,
  type DigestAlgorithm,
  isDigest,
  parseDigest,
  parseDigestAlgorithm,
} from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { Repository } from '../registry/registry.ts';
import type { Chunk } from '../registry/uploads.ts';

/**
 * end-4a, end-4b, end-4c, end-11: start an upload, push a blob at once with `?digest=`, or mount one
 * of another repository with `?mount=`. A mount of what is not there, or not in `sources`, starts an
 * upload.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export async function start(
  request: Request,
  repository: Repository,
  sources: readonly RepositoryName[] | 'all',
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const mount = query.get('mount');
  if (mount !== null && isDigest(mount)) {
    if (await repository.blobs.mount(mount, mountSources(query, sources))) {
      return created(repository.name, mount);
    }
  }
  const digest = optionalDigest(query);
  const session = await repository.uploads.start(uploadAlgorithm(query, digest));
  if (digest !== null && request.body !== null) {
    const chunk = chunkOf(request, request.body);
    return finishWith(repository, session, digest, chunk);
  }
  return accepted(202, repository.name, session, 0);
}

/** end-13: how far is an upload? https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks */
export async function status(repository: Repository, session: string): Promise<Response> {
  const { offset } = await repository.uploads.status(session);
  return accepted(204, repository.name, session, offset);
}

/**
 * end-5: append a chunk. Without Content-Range it goes to the end, so one PATCH may stream a whole
 * blob, as docker does. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function append(
  request: Request,
  repository: Repository,
  session: string,
): Promise<Response> {
  if (request.body === null) {
    const { offset } = await repository.uploads.status(session);
    return accepted(202, repository.name, session, offset);
  }
  const chunk = chunkOf(request, request.body);
  const { offset, isOutOfOrder } = await repository.uploads.append(session, chunk);
  if (isOutOfOrder) {
    throw outOfOrder(repository.name, session, offset);
  }
  return accepted(202, repository.name, session, offset);
}

/** end-6: append what is left and make it a blob. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put */
export async function finish(
  request: Request,
  repository: Repository,
  session: string,
): Promise<Response> {
  const digest = optionalDigest(new URL(request.url).searchParams);
  if (digest === null) {
    throw new RegistryError('DIGEST_INVALID', 'finish an upload with ?digest=<digest of the blob>');
  }
  const chunk =
    request.body === null || contentLength(request.headers) === 0
      ? null
      : chunkOf(request, request.body);
  return finishWith(repository, session, digest, chunk);
}

/** end-14: give an upload up. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#canceling-a-blob-upload */
export async function cancel(repository: Repository, session: string): Promise<Response> {
  await repository.uploads.cancel(session);
  return new Response(null, { status: 204 });
}

async function finishWith(
  repository: Repository,
  session: string,
  digest: Digest,
  chunk: Chunk | null,
): Promise<Response> {
  const { offset, isOutOfOrder } = await repository.uploads.finish(session, digest, chunk);
  if (isOutOfOrder) {
    throw outOfOrder(repository.name, session, offset);
  }
  return created(repository.name, digest);
}

/** Where to mount from: the repository that `from` names, else any, of those that may be read. */
function mountSources(
  query: URLSearchParams,
  readable: readonly RepositoryName[] | 'all',
): readonly RepositoryName[] | 'all' {
  const from = query.get('from');
  if (from === null || from === '') {
    return readable;
  }
  return isRepositoryName(from) && (readable === 'all' || readable.includes(from)) ? [from] : [];
}

/** What to hash with while the bytes arrive, before the closing request tells the digest. */
function uploadAlgorithm(query: URLSearchParams, digest: Digest | null): DigestAlgorithm {
  const algorithm = query.get('digest-algorithm');
  if (algorithm !== null) {
    return parseDigestAlgorithm(algorithm);
  }
  return digest === null ? CANONICAL_ALGORITHM : algorithmOf(digest);
}

function optionalDigest(query: URLSearchParams): Digest | null {
  const digests = new Set(query.getAll('digest'));
  if (digests.size > 1) {
    throw new RegistryError('DIGEST_INVALID', 'there are two different digests in the query');
  }
  const [digest] = digests;
  return digest === undefined ? null : parseDigest(digest);
}

function chunkOf(request: Request, body: ReadableStream<Uint8Array>): Chunk {
  const length = contentLength(request.headers);
  const range = parseChunkRange(request.headers.get('Content-Range'));
  if (range !== null && length !== null && range.last - range.first + 1 !== length) {
    throw new RegistryError('SIZE_INVALID', 'Content-Range and Content-Length disagree');
  }
  return { body, length, range };
}

function created(repository: RepositoryName, digest: Digest): Response {
  const headers = {
    Location: blobLocation(repository, digest),
    [DOCKER_CONTENT_DIGEST]: digest,
  };
  return new Response(null, { status: 201, headers });
}

function accepted(
  status: 202 | 204,
  repository: RepositoryName,
  session: string,
  offset: number,
): Response {
  return new Response(null, { status, headers: uploadHeaders(repository, session, offset) });
}

function outOfOrder(repository: RepositoryName, session: string, offset: number): RegistryError {
  return new RegistryError('RANGE_INVALID', `the upload has ${offset} bytes: go on from there`, {
    headers: uploadHeaders(repository, session, offset),
  });
}

function uploadHeaders(repository: RepositoryName, session: string, offset: number) {
  return {
    Location: uploadLocation(repository, session),
    Range: formatUploadRange(offset),
    [DOCKER_UPLOAD_UUID]: session,
  };
}
