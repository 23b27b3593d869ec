import { z } from 'zod';
import { RefusalError, UsageError } from '../errors.ts';
import { type Blob, DESCRIPTOR, type Descriptor, digestOf, type Image } from './content.ts';
import { type ImageFolder, parseJson } from './image-folder.ts';

/** What is read of a manifest or an index. */
const DOCUMENT = z.object({
  mediaType: z.string().nullish(),
  config: DESCRIPTOR.nullish(),
  layers: z.array(DESCRIPTOR).nullish(),
  blobs: z.array(DESCRIPTOR).nullish(), // of an artifact manifest of image-spec 1.1's drafts
  manifests: z.array(DESCRIPTOR).nullish(),
});

const NAME = 'org.opencontainers.image.ref.name';
const MAX_DEPTH = 8;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/**
 * Reads an OCI image layout. Of an index come the manifests of which everything is there.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 *
 * @param name which image, where there are several
 * @throws RefusalError, UsageError when it is not clear which image is meant
 */
export async function readLayout(
  folder: ImageFolder,
  name: string | undefined,
  signal: AbortSignal,
): Promise<Image> {
  const { manifests } = await folder.readJson('index.json', DOCUMENT);
  const image: Image = { layers: [], configs: [], manifests: [], missing: [] };
  await new LayoutReader(folder, image, signal).add(choose(manifests ?? [], name), 0);
  return image;
}

function choose(manifests: readonly Descriptor[], name: string | undefined): Descriptor {
  const nameOf = ({ annotations }: Descriptor) => annotations?.[NAME] ?? '(no name)';
  const fitting = manifests.filter(
    (descriptor) => name === undefined || [nameOf(descriptor), descriptor.digest].includes(name),
  );
  const [first] = fitting;
  if (first === undefined || new Set(fitting.map(({ digest }) => digest)).size > 1) {
    const names = manifests.map((descriptor) => `${nameOf(descriptor)} ${descriptor.digest}`);
    throw new UsageError(
      `say with --image which one, exactly as the source has it: ${names.join(', ') || 'none'}`,
    );
  }
  return first;
}

/** Reads manifests into an image, each once, however often it is named. */
class LayoutReader {
  readonly #folder: ImageFolder;
  readonly #image: Image;
  readonly #signal: AbortSignal;
  readonly #seen = new Set<string>(); // digests

  constructor(folder: ImageFolder, image: Image, signal: AbortSignal) {
    this.#folder = folder;
    this.#image = image;
    this.#signal = signal;
  }

  async add({ digest, mediaType }: Descriptor, depth: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (depth > MAX_DEPTH) {
      throw new RefusalError('the source has indexes in indexes in indexes');
    }
    const bytes = await this.#folder.read(blobName(digest));
    if (digestOf(bytes, digest.split(':', 1)[0]) !== digest) {
      throw new RefusalError(`the source is damaged: ${digest} has other content`);
    }
    const document = parseJson(bytes, digest, DOCUMENT);
    for (const child of document.manifests ?? []) {
      await this.#addChild(child, depth + 1);
    }
    const layers = (document.layers ?? []).concat(document.blobs ?? []);
    const configs = document.config ? [document.config] : [];
    this.#image.layers.push(...(await blobsOf(this.#folder, layers)));
    this.#image.configs.push(...(await blobsOf(this.#folder, configs)));
    this.#image.manifests.push({ digest, mediaType: document.mediaType ?? mediaType, bytes });
  }

  async #addChild(child: Descriptor, depth: number): Promise<void> {
    if (this.#seen.has(child.digest)) {
      return;
    }
    this.#seen.add(child.digest);
    if (await isComplete(this.#folder, child, depth)) {
      await this.add(child, depth);
    } else {
      this.#image.missing.push(platformOf(child));
    }
  }
}

/** Whether a manifest of an index is there, with all its blobs. Of an index itself is enough. */
async function isComplete(
  folder: ImageFolder,
  { digest }: Descriptor,
  depth: number,
): Promise<boolean> {
  if (depth > MAX_DEPTH || (await folder.size(blobName(digest))) === null) {
    return false;
  }
  const document = await folder.readJson(blobName(digest), DOCUMENT);
  const named = [document.config ?? [], document.layers ?? [], document.blobs ?? []].flat();
  const sizes = await Promise.all(
    named.filter(isDistributed).map((descriptor) => folder.size(blobName(descriptor.digest))),
  );
  return !sizes.includes(null);
}

/** @throws RefusalError when one is not there, other than of a layer that comes from elsewhere */
async function blobsOf(folder: ImageFolder, descriptors: readonly Descriptor[]): Promise<Blob[]> {
  const blobs: Blob[] = [];
  for (const descriptor of descriptors) {
    const { digest, size } = descriptor;
    const name = blobName(digest);
    const isThere = (await folder.size(name)) !== null;
    if (isThere) {
      blobs.push({ digest, size, file: folder.path(name) });
    } else if (isDistributed(descriptor)) {
      throw new RefusalError(`the source lacks ${digest}, which its manifest names`);
    }
  }
  return blobs;
}

function isDistributed({ urls }: Descriptor): boolean {
  return (urls ?? []).length === 0;
}

/** @throws RefusalError for a digest that is none: it becomes part of a path */
function blobName(digest: string): string {
  if (!DIGEST.test(digest)) {
    throw new RefusalError(`the source names "${digest}", which is no digest that is understood`);
  }
  return `blobs/${digest.replace(':', '/')}`;
}

function platformOf({ digest, platform }: Descriptor): string {
  const { os, architecture, variant } = platform ?? {};
  return [os, architecture, variant].filter((part) => part !== undefined).join('/') || digest;
}
