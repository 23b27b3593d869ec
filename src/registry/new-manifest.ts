import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { newManifestKey } from '../storage/keys.ts';
import type { NewManifest } from '../storage/metadata/store-manifest.ts';
import type { Stores } from '../storage/stores.ts';

/** Above this the body is in R2: a row of D1 may have 2 MB. */
const MAX_INLINE_SIZE = 1_000_000; // bytes

/** A large manifest is stored and committed within one request. */
const COMMIT_TIME = 10 * 60; // seconds

/** What is to be stored of a manifest, whose body is in R2 by then if it is large. @throws UNAVAILABLE */
export async function newManifest(
  stores: Stores,
  repository: RepositoryName,
  manifest: Manifest,
  digest: Digest,
  bytes: Uint8Array,
): Promise<NewManifest> {
  const isInline = bytes.byteLength <= MAX_INLINE_SIZE;
  return {
    digest,
    mediaType: manifest.mediaType,
    size: bytes.byteLength,
    body: isInline ? new TextDecoder().decode(bytes) : null,
    key: isInline ? null : await storeLarge(stores, repository, bytes, digest),
    artifactType: manifest.artifactType,
    subject: manifest.subject,
    blobs: digestsOf(manifest.blobs),
    externalBlobs: digestsOf(manifest.externalBlobs),
    children: digestsOf(manifest.children),
  };
}

async function storeLarge(
  { metadata, blobs }: Stores,
  repository: RepositoryName,
  bytes: Uint8Array,
  digest: Digest,
): Promise<string> {
  const key = newManifestKey();
  await metadata.uploads.announce(key, repository, key, COMMIT_TIME);
  if (!(await blobs.put(key, bytes, digest))) {
    throw new Error(`R2 reads another digest than ${digest}`);
  }
  return key;
}

function digestsOf(descriptors: readonly Descriptor[]): Digest[] {
  return [...new Set(descriptors.map((descriptor) => descriptor.digest))];
}
