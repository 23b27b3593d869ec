import type { Descriptor } from '../oci/descriptor.ts';
import {
  algorithmOf,
  CANONICAL_ALGORITHM,
  type Digest,
  digestOf,
  isDigest,
} from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { MAX_MANIFEST_SIZE, type Manifest, parseManifest } from '../oci/manifest.ts';
import { ACCEPT_MANIFESTS } from '../oci/media-types.ts';
import type { Reference } from '../oci/reference.ts';
import { newManifest } from '../registry/new-manifest.ts';
import { ConstraintError } from '../storage/metadata/database.ts';
import type { NamedContent } from '../storage/metadata/mirrored.ts';
import { readWhole } from '../upstream/read-whole.ts';
import { MIRROR, type Source } from './source.ts';

/**
 * What a tag names at the upstream now, by HEAD, which Docker Hub does not count; null when the upstream
 * does not tell the digest.
 *
 * @throws MANIFEST_UNKNOWN when it names nothing; UPSTREAM_LIMITED, UPSTREAM_FAILED, UPSTREAM_REFUSED
 */
export async function askForDigest(
  { client, remote }: Source,
  tag: string,
): Promise<Digest | null> {
  const response = await client.ask({
    method: 'HEAD',
    repository: remote,
    path: `manifests/${tag}`,
    headers: { Accept: ACCEPT_MANIFESTS },
  });
  if (response === null) {
    throw new RegistryError('MANIFEST_UNKNOWN', `the upstream has no ${remote}:${tag}`);
  }
  const digest = response.headers.get('Docker-Content-Digest');
  return digest !== null && isDigest(digest) ? digest : null;
}

/**
 * Fetches a manifest, or an index, and stores it; a tag that it is asked for by names it then. What it
 * names in turn is fetched when somebody asks for it.
 *
 * @throws MANIFEST_UNKNOWN, NAME_UNKNOWN, UPSTREAM_LIED, UPSTREAM_LIMITED, UPSTREAM_FAILED,
 *   UPSTREAM_REFUSED, QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY,
 *   TAG_IMMUTABLE, UNAVAILABLE
 */
export async function fetchManifest(source: Source, reference: Reference): Promise<Digest> {
  const { client, remote, repository, stores } = source;
  const text = 'tag' in reference ? reference.tag : reference.digest;
  const response = await client.ask({
    method: 'GET',
    repository: remote,
    path: `manifests/${text}`,
    headers: { Accept: ACCEPT_MANIFESTS },
  });
  if (response === null) {
    throw new RegistryError(
      'MANIFEST_UNKNOWN',
      `the upstream has no manifest ${text} in ${remote}`,
    );
  }
  const bytes = await readManifest(response);
  const told =
    'digest' in reference ? reference.digest : response.headers.get('Docker-Content-Digest');
  const isTold = told !== null && isDigest(told);
  const digest = digestOf(bytes, isTold ? algorithmOf(told) : CANONICAL_ALGORITHM);
  if (isTold && digest !== told) {
    throw new RegistryError(
      'UPSTREAM_LIED',
      `the upstream sent a manifest with the digest ${digest} as ${told}: nothing of it is kept`,
    );
  }
  const manifest = parseSent(bytes, response.headers.get('Content-Type'));
  const row = await newManifest(stores, repository, manifest, digest, bytes);
  const content = [
    ...manifest.blobs.map(named('blob')),
    ...manifest.externalBlobs.map(named('external')),
    ...manifest.children.map(named('manifest')),
  ];
  const tag = 'tag' in reference ? reference.tag : null;
  try {
    await stores.metadata.mirrored.put(repository, row, content, tag, MIRROR);
  } catch (error) {
    if (row.key !== null) {
      await stores.metadata.uploads.abandon(row.key);
    }
    throw error instanceof ConstraintError
      ? new RegistryError('UNAVAILABLE', 'storing the manifest took too long; try again')
      : error;
  }
  return digest;
}

const named =
  (kind: NamedContent['kind']) =>
  ({ digest, size, platform }: Descriptor): NamedContent => ({
    digest,
    kind,
    size,
    platform: platform ?? null,
  });

/** Reads a manifest that the upstream sent, whose faults are not the reader's. @throws UPSTREAM_LIED */
export function parseSent(bytes: Uint8Array, contentType: string | null): Manifest {
  try {
    return parseManifest(bytes, contentType);
  } catch (error) {
    throw error instanceof RegistryError
      ? new RegistryError('UPSTREAM_LIED', `the upstream sent no manifest: ${error.message}`)
      : error;
  }
}

async function readManifest(response: Response): Promise<Uint8Array> {
  const bytes = await readWhole(response, MAX_MANIFEST_SIZE);
  if (bytes === null) {
    throw new RegistryError(
      'UPSTREAM_FAILED',
      'the upstream broke off while it sent the manifest, or sent more than 4 MiB',
    );
  }
  return bytes;
}
