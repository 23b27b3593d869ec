import { RefusalError, UsageError } from '../errors.ts';
import {
  type Blob,
  blobName,
  type Descriptor,
  DOCUMENT,
  digestOf,
  type Image,
  isManifest,
  REFERENCE_NAME,
} from './content.ts';
import { type ImageFolder, parseJson } from './image-folder.ts';

const MAX_DEPTH = 8;

/**
 * Reads an OCI image layout. Of an index come the manifests of which everything is there; with an image
 * come its referrers (signatures, SBOMs), if index.json has them without a name.
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
  const reader = new LayoutReader(folder, image, signal);
  const referrers = await findReferrers(folder, manifests ?? []);
  const images = (manifests ?? []).filter((descriptor) => !referrers.has(descriptor));
  await reader.add(choose(name === undefined ? images : (manifests ?? []), name), 0);
  const [root] = image.manifests.splice(-1);
  await addReferrers(reader, image, referrers, root?.digest ?? '');
  image.manifests.push(...(root === undefined ? [] : [root]));
  return image;
}

/** The entries without a name that refer to something, with what they refer to. */
async function findReferrers(
  folder: ImageFolder,
  manifests: readonly Descriptor[],
): Promise<Map<Descriptor, string>> {
  const referrers = new Map<Descriptor, string>();
  for (const descriptor of manifests) {
    const name = blobName(descriptor.digest);
    if (!descriptor.annotations?.[REFERENCE_NAME] && (await folder.size(name)) !== null) {
      const { subject } = await folder.readJson(name, DOCUMENT);
      if (subject && (await folder.size(blobName(subject.digest))) !== null) {
        referrers.set(descriptor, subject.digest);
      }
    }
  }
  return referrers;
}

/** Adds what refers to an image, to a manifest in it, or to one of these, in turn. */
async function addReferrers(
  reader: LayoutReader,
  image: Image,
  referrers: ReadonlyMap<Descriptor, string>,
  root: string,
): Promise<void> {
  const waiting = new Map(referrers);
  const isThere = (digest: string) =>
    digest === root || image.manifests.some((manifest) => manifest.digest === digest);
  for (let found = [...waiting]; found.length > 0; ) {
    found = [...waiting].filter(([, subject]) => isThere(subject));
    for (const [referrer] of found) {
      waiting.delete(referrer);
      if (!isThere(referrer.digest)) {
        await reader.add(referrer, 0);
      }
    }
  }
}

function choose(manifests: readonly Descriptor[], name: string | undefined): Descriptor {
  const nameOf = ({ annotations }: Descriptor) => annotations?.[REFERENCE_NAME] ?? '(no name)';
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
    const entries = document.manifests ?? [];
    for (const child of entries.filter(isManifest)) {
      await this.#addChild(child, depth + 1);
    }
    const others = entries.filter((entry) => !isManifest(entry));
    const layers = (document.layers ?? []).concat(document.blobs ?? [], others);
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

function platformOf({ digest, platform }: Descriptor): string {
  const { os, architecture, variant } = platform ?? {};
  return [os, architecture, variant].filter((part) => part !== undefined).join('/') || digest;
}
