import { entityTag, isNotModified } from '../http/conditional.ts';
import { DOCKER_CONTENT_DIGEST, IMMUTABLE_CONTENT } from '../http/headers.ts';
import { formatContentRange, parseRange } from '../http/range.ts';
import type { Digest } from '../oci/digest.ts';
import type { Repository } from '../registry/registry.ts';

/** end-2: pull a blob or a range of it. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs */
export async function get(
  request: Request,
  repository: Repository,
  digest: Digest,
): Promise<Response> {
  const blob = await repository.blobs.stat(digest);
  const headers = contentHeaders(digest);
  if (isNotModified(request.headers, digest)) {
    return new Response(null, { status: 304, headers });
  }
  const range = parseRange(rangeHeader(request.headers, digest), blob.size);
  headers.set('Content-Length', String(range ? range.last - range.first + 1 : blob.size));
  if (range !== null) {
    headers.set('Content-Range', formatContentRange(range, blob.size));
  }
  const body = await repository.blobs.open(blob, range);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}

/** end-2: does a blob exist? Those who ask this are about to push. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry */
export async function head(
  request: Request,
  repository: Repository,
  digest: Digest,
  mayPush: boolean,
): Promise<Response> {
  const blob = await (mayPush
    ? repository.blobs.statForPush(digest)
    : repository.blobs.stat(digest));
  const headers = contentHeaders(digest);
  if (isNotModified(request.headers, digest)) {
    return new Response(null, { status: 304, headers });
  }
  headers.set('Content-Length', String(blob.size));
  return new Response(null, { headers });
}

/** end-10: take a blob out of the repository. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs */
export async function remove(repository: Repository, digest: Digest): Promise<Response> {
  await repository.blobs.delete(digest);
  return new Response(null, { status: 202 });
}

function contentHeaders(digest: Digest): Headers {
  return new Headers({
    'Accept-Ranges': 'bytes',
    'Cache-Control': IMMUTABLE_CONTENT,
    'Content-Type': 'application/octet-stream',
    [DOCKER_CONTENT_DIGEST]: digest,
    ETag: entityTag(digest),
  });
}

/** The Range header, unless If-Range names other content (RFC 9110 section 13.1.5). */
function rangeHeader(headers: Headers, digest: Digest): string | null {
  const condition = headers.get('If-Range');
  return condition === null || condition === entityTag(digest) ? headers.get('Range') : null;
}
