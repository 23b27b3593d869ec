import assert from 'node:assert/strict';
import { digestOf } from './digest.ts';
import type { Descriptor } from './image.ts';

/** A repository of a registry that takes no login. */
export interface OpenRepository {
  url: string; // of the registry
  name: string;
}

/** What is about a manifest, as a list of referrers has it. */
export interface Referrer extends Descriptor {
  artifactType: string;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const EMPTY = 'application/vnd.oci.empty.v1+json';
const SBOM = 'application/vnd.example.sbom';

/** Pushes an SBOM about `subject`, by no client: as one that leaves the list of referrers to the registry. */
export async function attachReferrer(
  repository: OpenRepository,
  subject: Descriptor,
): Promise<Referrer> {
  const config = await pushBlob(repository, EMPTY, '{}');
  const layer = await pushBlob(repository, SBOM, `{"of":"${subject.digest}"}`);
  const { mediaType, digest, size } = subject;
  const annotations = { 'org.example.made-by': 'edgewater' };
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: SBOM,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
    annotations,
  });
  const referrer = descriptorOf(MANIFEST, text);
  await put(addressOf(repository, `manifests/${referrer.digest}`), MANIFEST, text);
  return { ...referrer, artifactType: SBOM, annotations };
}

async function pushBlob(
  repository: OpenRepository,
  mediaType: string,
  text: string,
): Promise<Descriptor> {
  const blob = descriptorOf(mediaType, text);
  const opened = await fetch(addressOf(repository, 'blobs/uploads/'), { method: 'POST' });
  assert.equal(opened.status, 202, 'an upload');
  const location = new URL(opened.headers.get('Location') ?? '', repository.url);
  location.searchParams.set('digest', blob.digest);
  await put(location, 'application/octet-stream', text);
  return blob;
}

async function put(url: URL, type: string, body: string): Promise<void> {
  const { status } = await fetch(url, { method: 'PUT', headers: { 'Content-Type': type }, body });
  assert.equal(status, 201, `PUT ${url.pathname}`);
}

function addressOf({ url, name }: OpenRepository, path: string): URL {
  return new URL(`/v2/${name}/${path}`, url);
}

function descriptorOf(mediaType: string, text: string): Descriptor {
  return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) };
}
