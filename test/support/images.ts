/** Random content from a printed seed: set SEED to the number in the log and it comes again. */
import { createHash } from 'node:crypto';
import { expect, inject } from 'vitest';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

export type Algorithm = 'sha256' | 'sha512';

export interface TestBlob {
  bytes: Uint8Array;
  digest: string;
}

export interface TestManifest extends TestBlob {
  mediaType: string;
  blobs: readonly TestBlob[];
}

export interface TestDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  urls?: string[];
}

/** Each file draws from a sequence of its own, so that no two push the same content. */
let state = createHash('sha256')
  .update(`${inject('seed')} ${expect.getState().testPath}`)
  .digest()
  .readInt32LE();

/** mulberry32: small, and the same everywhere. */
function nextWord(): number {
  state = (state + 0x6d2b79f5) | 0;
  let word = Math.imul(state ^ (state >>> 15), 1 | state);
  word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
  return (word ^ (word >>> 14)) >>> 0;
}

export function digestOf(bytes: Uint8Array, algorithm: Algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export function randomBytes(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0; index < words.length; index++) {
    words[index] = nextWord();
  }
  return new Uint8Array(words.buffer, 0, size);
}

export function randomBlob(size: number, algorithm: Algorithm = 'sha256'): TestBlob {
  return blobOf(randomBytes(size), algorithm);
}

export function blobOf(bytes: Uint8Array, algorithm: Algorithm = 'sha256'): TestBlob {
  return { bytes, digest: digestOf(bytes, algorithm) };
}

/** The blob `{}` that artifacts without a config or layers name. */
export const emptyBlob = blobOf(new TextEncoder().encode('{}'));

export function randomDigest(algorithm: Algorithm = 'sha256'): string {
  return randomBlob(32, algorithm).digest;
}

export function descriptorOf(blob: TestBlob, mediaType = OCI_LAYER): TestDescriptor {
  return { mediaType, digest: blob.digest, size: blob.bytes.byteLength };
}

/** A manifest of exactly this JSON. `blobs` is what has to be pushed before it. */
export function manifestOf(
  body: Record<string, unknown>,
  mediaType: string = OCI_MANIFEST,
  blobs: readonly TestBlob[] = [],
  algorithm: Algorithm = 'sha256',
): TestManifest {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return { ...blobOf(bytes, algorithm), mediaType, blobs };
}

/** An image with a config and a layer; `fields` are added to its manifest. */
export function randomImage(
  fields: Record<string, unknown> = {},
  algorithm: Algorithm = 'sha256',
): TestManifest {
  const config = randomBlob(200);
  const layer = randomBlob(1000);
  return manifestOf(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptorOf(config, OCI_CONFIG),
      layers: [descriptorOf(layer)],
      ...fields,
    },
    OCI_MANIFEST,
    [config, layer],
    algorithm,
  );
}

/** An index of manifests that are there already. */
export function indexOf(
  children: readonly TestManifest[],
  fields: Record<string, unknown> = {},
  mediaType: string = OCI_INDEX,
): TestManifest {
  const manifests = children.map((child) => descriptorOf(child, child.mediaType));
  return manifestOf({ schemaVersion: 2, mediaType, manifests, ...fields }, mediaType);
}

/** An artifact without content of its own, as signatures and SBOMs are. */
export function artifactOf(
  artifactType: string,
  subject: TestManifest | null,
  annotations: Record<string, string> = { 'org.example.random': randomDigest() },
): TestManifest {
  return manifestOf(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType,
      config: descriptorOf(emptyBlob, OCI_EMPTY),
      layers: [descriptorOf(emptyBlob, OCI_EMPTY)],
      ...(subject && { subject: descriptorOf(subject, subject.mediaType) }),
      annotations,
    },
    OCI_MANIFEST,
    [emptyBlob],
  );
}
