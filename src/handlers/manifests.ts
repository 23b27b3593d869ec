import { readBody } from '../http/body.ts';
import { entityTag, isNotModified, parsePreconditions } from '../http/conditional.ts';
import {
  DOCKER_CONTENT_DIGEST,
  FRESH_CONTENT,
  IMMUTABLE_CONTENT,
  manifestLocation,
  OCI_SUBJECT,
  OCI_TAG,
  staleWarning,
} from '../http/headers.ts';
import { MAX_MANIFEST_SIZE } from '../oci/manifest.ts';
import { type PastTag, parseTag, type Reference } from '../oci/reference.ts';
import type { ManifestRecord } from '../registry/manifests.ts';
import type { Repository } from '../registry/registry.ts';

/**
 * end-3: pull a manifest. The stored bytes and type are the answer whatever the Accept header asks.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export async function get(
  request: Request,
  repository: Repository,
  reference: Reference | PastTag,
): Promise<Response> {
  const manifest = await repository.manifests.get(reference);
  return respond(request, reference, manifest, () => repository.manifests.open(manifest));
}

/** end-3: does a manifest exist? https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry */
export async function head(
  request: Request,
  repository: Repository,
  reference: Reference | PastTag,
  mayPush: boolean,
): Promise<Response> {
  const manifest = await (mayPush
    ? repository.manifests.statForPush(reference)
    : repository.manifests.stat(reference));
  return respond(request, reference, manifest, async () => null);
}

/**
 * end-7a, end-7b: push a manifest, by digest with any number of `?tag=`. If-Match and If-None-Match
 * make it a compare-and-swap of what the reference names (RFC 9110 section 13.1).
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
export async function put(
  request: Request,
  repository: Repository,
  reference: Reference,
): Promise<Response> {
  const tags = new URL(request.url).searchParams.getAll('tag').map(parseTag);
  const { digest, subject } = await repository.manifests.put({
    reference,
    bytes: await readBody(request, MAX_MANIFEST_SIZE),
    contentType: request.headers.get('Content-Type'),
    tags,
    conditions: parsePreconditions(request.headers),
  });
  const headers = new Headers({
    Location: manifestLocation(repository.name, digest),
    [DOCKER_CONTENT_DIGEST]: digest,
  });
  if (subject !== null) {
    headers.set(OCI_SUBJECT, subject);
  }
  for (const tag of tags) {
    headers.append(OCI_TAG, tag);
  }
  return new Response(null, { status: 201, headers });
}

/** end-9: delete a manifest with its tags, or a tag. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags */
export async function remove(repository: Repository, reference: Reference): Promise<Response> {
  await repository.manifests.delete(reference);
  return new Response(null, { status: 202 });
}

async function respond(
  request: Request,
  reference: Reference | PastTag,
  { mediaType, digest, size, staleBecause }: ManifestRecord,
  open: () => Promise<BodyInit | null>,
): Promise<Response> {
  const headers = new Headers({
    'Cache-Control': 'digest' in reference ? IMMUTABLE_CONTENT : FRESH_CONTENT,
    'Content-Type': mediaType,
    [DOCKER_CONTENT_DIGEST]: digest,
    ETag: entityTag(digest),
  });
  if (staleBecause !== undefined) {
    headers.set('Warning', staleWarning(staleBecause));
  }
  if (isNotModified(request.headers, digest)) {
    return new Response(null, { status: 304, headers });
  }
  const body = await open();
  headers.set('Content-Length', String(size));
  return new Response(body, { headers });
}
