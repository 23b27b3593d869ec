import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { RefusalError, UsageError } from '../errors.ts';
import { inParallel } from '../in-parallel.ts';
import { compressionOf, compressLayer } from './compress-layer.ts';
import { type Blob, digestOf, type Image } from './content.ts';
import { type ImageFolder, parseJson } from './image-folder.ts';

/** What `docker save` writes: https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format */
const ENTRY = z.object({
  Config: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Layers: z.array(z.string()).default([]),
});
type Entry = z.infer<typeof ENTRY>;
const ENTRIES = z.array(ENTRY);

const IMAGE = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()).nullish() }).nullish() });

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG = 'application/vnd.docker.container.image.v1+json';
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/**
 * Reads what `docker save` wrote. Its layers are compressed into files of `scratch`, the same bytes
 * each time, so that a second push finds them in the registry.
 *
 * @param name a tag, where there are several images
 * @throws RefusalError, UsageError when it is not clear which image is meant
 */
export async function readDockerArchive(
  folder: ImageFolder,
  name: string | undefined,
  scratch: string,
  signal: AbortSignal,
): Promise<Image> {
  const entry = choose(await folder.readJson('manifest.json', ENTRIES), name);
  const bytes = await folder.read(entry.Config);
  const { rootfs } = parseJson(bytes, entry.Config, IMAGE);
  const names = [...new Set(entry.Layers)];
  const blobs = new Map<string, Blob>();
  await inParallel(names, availableParallelism(), async (layer) => {
    if ((await folder.size(layer)) === null) {
      throw new RefusalError(`the source has no ${layer}, which its manifest.json names`);
    }
    const diffId = rootfs?.diff_ids?.[entry.Layers.indexOf(layer)];
    const file = join(scratch, `layer-${names.indexOf(layer)}.tar.gz`);
    blobs.set(layer, await compressLayer(folder.path(layer), file, diffId, signal));
  });
  const config = { digest: digestOf(bytes), size: bytes.length, file: folder.path(entry.Config) };
  const layers = entry.Layers.flatMap((layer) => blobs.get(layer) ?? []);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, size: config.size, digest: config.digest },
      layers: layers.map(({ digest, size }) => ({ mediaType: LAYER, size, digest })),
    }),
  );
  const root = { digest: digestOf(manifest), mediaType: MANIFEST, bytes: manifest };
  return { layers, configs: [config], manifests: [root], missing: [] };
}

/** Whether the layers are compressed, as a docker has them that keeps images as containerd does. */
export async function hasCompressedLayers(folder: ImageFolder): Promise<boolean> {
  const entries = await folder.readJson('manifest.json', ENTRIES);
  const [layer] = entries.flatMap(({ Layers }) => Layers);
  return layer !== undefined && (await folder.size(layer)) !== null
    ? (await compressionOf(folder.path(layer))) !== null
    : false;
}

function choose(entries: readonly Entry[], name: string | undefined): Entry {
  const fitting = entries.filter(
    ({ RepoTags }) => name === undefined || RepoTags?.some((tag) => tag === name),
  );
  const [first] = fitting;
  if (first === undefined || fitting.length > 1) {
    const tags = entries.map(({ RepoTags, Config }) => RepoTags?.join(' ') ?? Config);
    throw new UsageError(
      `say with --image which one, exactly as the source has it: ${tags.join(', ') || 'none'}`,
    );
  }
  return first;
}
