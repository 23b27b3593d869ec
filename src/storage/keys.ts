/**
 * Every key in R2 and in the edge cache, and every name of a Durable Object.
 *
 * ```
 * R2 bucket
 * ├── blobs/<upload session id>        a layer, config or other blob, as one upload wrote it
 * ├── manifests/<random id>            the body of a manifest above 1 MB
 * ├── backups/complete/<copy>          which parts a nightly copy of the database has (JSON)
 * └── backups/parts/<copy>/<random id> some lines of it (gzip)
 *
 * Durable Objects
 * ├── <repository>/<upload session id> one upload session
 * ├── <namespace>@<digest>             the fetch of a blob into a mirror
 * ├── <repository>@<digest>, …:<tag>   the fetch of a manifest into a mirror
 * ├── <repository>@<digest>#referrers  the fetch of what refers to one
 * ├── <namespace> <url>                what all requests to its upstream have in common
 * └── <transfer id>                    a copy from another registry or to it
 *
 * Edge cache of each location, below https://<the registry's host>/edge-cache/
 * ├── content/<R2 key or digest>       bytes, whatever repositories have them
 * └── <kind>/<repository>/<name>       that a repository has a blob, a manifest or a tag
 * ```
 *
 * A key is an id and not the digest: it is written once and never reused, so a late delete cannot
 * hit a newer upload of the same bytes, and committing needs no copy (R2 has no rename). D1 maps
 * digest to key. The object's name has the repository in it, so a session asked for under another
 * repository is another, empty object.
 */
import type { Digest, SubjectDigest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';

/** Below these is content that D1 names, and nothing else. */
export const CONTENT_PREFIXES = ['blobs/', 'manifests/'] as const;

export function blobKey(session: string): string {
  return `blobs/${session}`;
}

export function newManifestKey(): string {
  return `manifests/${crypto.randomUUID()}`;
}

/** A nightly copy is there when this is, which is written last. */
export const COMPLETE_COPIES = 'backups/complete/';
export const COPY_PARTS = 'backups/parts/';

export function copyKey(copy: string): string {
  return `${COMPLETE_COPIES}${copy}`;
}

export function newCopyPartKey(copy: string): string {
  return `${COPY_PARTS}${copy}/${crypto.randomUUID()}`;
}

/** Another URL is another gate: no token of one host can get to the other. */
export function gateName(namespace: string, url: string): string {
  return `${namespace} ${url}`;
}

export function uploadObjectName(repository: RepositoryName, session: string): string {
  return `${repository}/${session}`;
}

/** `name` is a key of R2, or the digest of what is not in R2. */
export function contentCacheKey(name: string): string {
  return `content/${name}`;
}

export function membershipCacheKey(kind: string, repository: RepositoryName, name: string): string {
  return `${kind}/${repository}/${name}`;
}

/** The object that fetches a blob for all repositories of a mirror. */
export function blobFetchName(repository: RepositoryName, digest: Digest): string {
  return `${namespaceOf(repository)}@${digest}`;
}

/** The object that fetches a manifest, or keeps a tag up to date. */
export function manifestFetchName(repository: RepositoryName, reference: Reference): string {
  return 'tag' in reference
    ? `${repository}:${reference.tag}`
    : `${repository}@${reference.digest}`;
}

/** The object that fetches what refers to a manifest. */
export function referrersFetchName(repository: RepositoryName, subject: SubjectDigest): string {
  return `${repository}@${subject}#referrers`;
}
