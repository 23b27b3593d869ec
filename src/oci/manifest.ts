import { type Descriptor, isMediaTypeLike, isObject, parseDescriptor } from './descriptor.ts';
import { isDigest, isSubjectDigest, type SubjectDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import {
  isIndexMediaType,
  isManifestMediaType,
  isNonDistributable,
  type ManifestMediaType,
} from './media-types.ts';

/** distribution-spec v1.1.1 "Pushing Manifests" asks for so much; lists of referrers have the same limit. */
export const MAX_MANIFEST_SIZE = 4 * 2 ** 20; // bytes

/** As one parameter of a statement their digests stay below D1's 2 MB. */
const MAX_DESCRIPTORS = 10_000;

/** What a registry needs to know of a manifest or an index; the bytes stay as they came. */
export interface Manifest {
  mediaType: ManifestMediaType;
  /** Blobs that have to be in the repository: config and layers, and an index's non-manifests. */
  blobs: readonly Descriptor[];
  /** Layers that may be elsewhere: non-distributable ones and those with `urls`. */
  externalBlobs: readonly Descriptor[];
  /** Manifests that an index names; they have to be in the repository. */
  children: readonly Descriptor[];
  subject: SubjectDigest | null;
  artifactType: string | null;
}

/**
 * Reads a manifest from its exact bytes.
 *
 * `contentType` is the header of the push; its parameters are ignored. Without the header the
 * body's own `mediaType` decides. Sources: image-spec v1.1.1 manifest.md and image-index.md.
 *
 * A body with the fields of both kinds is refused, so that nobody can read the same bytes as
 * something else (CVE-2021-41190).
 *
 * @throws MANIFEST_INVALID
 */
export function parseManifest(bytes: Uint8Array, contentType: string | null): Manifest {
  const body = parseJson(bytes);
  const mediaType = mediaTypeOf(body, contentType);
  if (body.schemaVersion !== 2) {
    throw new RegistryError('MANIFEST_INVALID', 'schemaVersion must be 2');
  }
  const subject = body.subject;
  checkAnnotations(body.annotations);
  const common = {
    mediaType,
    subject: isPresent(subject)
      ? parseDescriptor(subject, 'subject', isSubjectDigest).digest
      : null,
  };
  return isIndexMediaType(mediaType)
    ? { ...common, ...parseIndex(body) }
    : { ...common, ...parseImageManifest(body) };
}

/**
 * The media type under which a manifest is stored, for a `Content-Type` header with its parameters.
 */
function mediaTypeOf(body: Record<string, unknown>, contentType: string | null): ManifestMediaType {
  const declared = body.mediaType;
  if (isPresent(declared) && typeof declared !== 'string') {
    throw new RegistryError('MANIFEST_INVALID', 'mediaType is not a string');
  }
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase() || declared;
  if (!isPresent(mediaType)) {
    throw new RegistryError('MANIFEST_INVALID', 'send the manifest with its type as Content-Type');
  }
  if (!isManifestMediaType(mediaType)) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `manifests of type "${excerpt(mediaType)}" are not supported: push an OCI or Docker schema 2 manifest or index`,
    );
  }
  if (isPresent(declared) && declared !== mediaType) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `Content-Type "${mediaType}" and the manifest's mediaType "${excerpt(declared)}" differ`,
    );
  }
  return mediaType;
}

function parseImageManifest(body: Record<string, unknown>) {
  if (isPresent(body.manifests)) {
    throw new RegistryError('MANIFEST_INVALID', 'an image manifest cannot have "manifests"');
  }
  const config = parseDescriptor(body.config, 'config', isDigest);
  const layers = parseDescriptors(body.layers, 'layers');
  const isExternal = (layer: Descriptor) =>
    isNonDistributable(layer.mediaType) || (layer.urls?.length ?? 0) > 0;
  return {
    blobs: [config, ...layers.filter((layer) => !isExternal(layer))],
    externalBlobs: layers.filter(isExternal),
    children: [],
    artifactType: parseArtifactType(body) ?? config.mediaType,
  };
}

function parseIndex(body: Record<string, unknown>) {
  if (isPresent(body.config) || isPresent(body.layers)) {
    throw new RegistryError('MANIFEST_INVALID', 'an index cannot have "config" or "layers"');
  }
  const entries = parseDescriptors(body.manifests, 'manifests');
  return {
    // BuildKit's registry cache is an index whose entries are layers.
    blobs: entries.filter((entry) => !isManifestMediaType(entry.mediaType)),
    externalBlobs: [],
    children: entries.filter((entry) => isManifestMediaType(entry.mediaType)),
    artifactType: parseArtifactType(body),
  };
}

function parseDescriptors(value: unknown, where: string): Descriptor[] {
  if (!Array.isArray(value)) {
    throw new RegistryError('MANIFEST_INVALID', `${where} is not a list of descriptors`);
  }
  if (value.length > MAX_DESCRIPTORS) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `${where} has more than ${MAX_DESCRIPTORS} entries`,
    );
  }
  return value.map((entry, index) => parseDescriptor(entry, `${where}[${index}]`, isDigest));
}

function parseArtifactType(body: Record<string, unknown>): string | null {
  const artifactType = body.artifactType;
  if (!isPresent(artifactType) || artifactType === '') {
    return null;
  }
  if (typeof artifactType !== 'string' || !isMediaTypeLike(artifactType)) {
    throw new RegistryError('MANIFEST_INVALID', 'artifactType is not a media type');
  }
  return artifactType;
}

/** Clients read annotations as a map of strings, here and in the list of referrers. */
function checkAnnotations(value: unknown): void {
  if (!isPresent(value)) {
    return;
  }
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new RegistryError('MANIFEST_INVALID', 'annotations is not a map of strings');
  }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  let body: unknown;
  try {
    // A byte order mark stays in the text, where JSON forbids it.
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new RegistryError('MANIFEST_INVALID', 'the manifest is not JSON in UTF-8');
  }
  if (!isObject(body)) {
    throw new RegistryError('MANIFEST_INVALID', 'the manifest is not a JSON object');
  }
  return body;
}

/** What a message repeats of a client's text. */
function excerpt(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Go encodes an absent field as null now and then; both mean "not there". */
function isPresent<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}
