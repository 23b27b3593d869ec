import { type Content, makeContent, textContent } from './content.ts';

/** The media type of a manifest. */
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/** An image that no registry has seen. */
export interface Image {
  layers: readonly Content[];
  config: Content;
  manifest: Content;
  mediaType: string; // of the manifest
  blobs: readonly Content[]; // config and layers
}

/** Makes one of `count` layers of `size` bytes each. */
export function makeImage(count: number, size: number): Image {
  const layers = Array.from({ length: count }, () => makeContent(size));
  const diffs = layers.map(({ digest }) => digest);
  const config = textContent(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: diffs },
    }),
  );
  const describe = (mediaType: string, { digest, size }: Content) => ({ mediaType, digest, size });
  const manifest = textContent(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: describe(CONFIG_TYPE, config),
      layers: layers.map((layer) => describe(LAYER_TYPE, layer)),
    }),
  );
  return { layers, config, manifest, mediaType: MANIFEST_TYPE, blobs: [config, ...layers] };
}
