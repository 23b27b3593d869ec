/**
 * Every key in R2, and every name of a Durable Object.
 *
 * ```
 * R2 bucket
 * ├── blobs/<upload session id>        a layer, config or other blob, as one upload wrote it
 * └── manifests/<random id>            the body of a manifest above 1 MB
 *
 * Durable Objects
 * └── <repository>/<upload session id> one upload session
 * ```
 *
 * A key is an id and not the digest: it is written once and never reused, so a late delete cannot
 * hit a newer upload of the same bytes, and committing needs no copy (R2 has no rename). D1 maps
 * digest to key. The object's name has the repository in it, so a session asked for under another
 * repository is another, empty object.
 */
import type { RepositoryName } from '../oci/repository-name.ts';

export function blobKey(session: string): string {
  return `blobs/${session}`;
}

export function newManifestKey(): string {
  return `manifests/${crypto.randomUUID()}`;
}

export function uploadObjectName(repository: RepositoryName, session: string): string {
  return `${repository}/${session}`;
}
