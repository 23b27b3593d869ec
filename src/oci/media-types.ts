/** image-spec v1.1.1 media-types.md; Docker's: distribution "Image Manifest Version 2, Schema 2". */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** The media types of which this registry stores manifests. */
const MANIFESTS = [OCI_INDEX, OCI_MANIFEST, DOCKER_MANIFEST_LIST, DOCKER_MANIFEST] as const;

export type ManifestMediaType = (typeof MANIFESTS)[number];

/** The header with which another registry is asked for a manifest. */
export const ACCEPT_MANIFESTS = MANIFESTS.join(', ');

/** True for the media types of which this registry stores manifests. */
export function isManifestMediaType(mediaType: string): mediaType is ManifestMediaType {
  return MANIFESTS.some((known) => known === mediaType);
}

/** True for an image index or a Docker manifest list. */
export function isIndexMediaType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_MANIFEST_LIST;
}

/** True for layers that registries need not hold (image-spec v1.1.1 layer.md; Docker's foreign layers). */
export function isNonDistributable(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  );
}
