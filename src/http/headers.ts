import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';

/** Header names of distribution-spec v1.1.1 and of Docker's registry API. */
export const DOCKER_CONTENT_DIGEST = 'Docker-Content-Digest';
export const DOCKER_UPLOAD_UUID = 'Docker-Upload-UUID';
export const DOCKER_API_VERSION = 'Docker-Distribution-Api-Version';
export const OCI_SUBJECT = 'OCI-Subject';
export const OCI_TAG = 'OCI-Tag';
export const OCI_NAMESPACE = 'OCI-Namespace';

/** RFC 7234 section 5.5: which RFC 9111 has left to the implementation. */
export function staleWarning(because: string): string {
  return `110 - "${because.replaceAll(/[^ !#-~]/g, ' ')}"`;
}

export const OCI_FILTERS_APPLIED = 'OCI-Filters-Applied';

/**
 * For content that its digest names: whoever holds it may keep it, no shared cache may, and nobody
 * on the way may compress it, for that drops the Content-Length that clients check.
 */
export const IMMUTABLE_CONTENT = 'private, max-age=31536000, immutable, no-transform';

/** For answers that the next push may change. */
export const FRESH_CONTENT = 'no-cache, no-transform';

/** Paths for Location headers. Relative ones are right behind every proxy and host name. */
export function blobLocation(repository: RepositoryName, digest: Digest): string {
  return `/v2/${repository}/blobs/${digest}`;
}

export function manifestLocation(repository: RepositoryName, digest: Digest): string {
  return `/v2/${repository}/manifests/${digest}`;
}

export function uploadLocation(repository: RepositoryName, session: string): string {
  return `/v2/${repository}/blobs/uploads/${session}`;
}
