import { askForDigest } from '../mirror/fetch-manifest.ts';
import { listReferrers } from '../mirror/fetch-referrers.ts';
import type { Source } from '../mirror/source.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Tag } from '../oci/reference.ts';
import type { MirrorFetches } from '../registry/mirror-fetches.ts';
import type { Repository } from '../registry/registry.ts';
import { bytesOf } from './image.ts';
import { COST, type Turn } from './turn.ts';
import type { Visits } from './visits.ts';

/** Between which repositories, and how. */
export interface Route {
  source: Source;
  from: Repository; // of the mirror
  fetches: MirrorFetches; // of the same
  to: Repository;
  withReferrers: boolean;
  turn: Turn;
  visits: Visits;
  onBytes: (bytes: number) => void;
}

const BLOBS_AT_ONCE = 4;

/** Copies an image with all that it names: the same bytes, so every digest is the same. */
export class ImageCopy {
  readonly #route: Route;

  constructor(route: Route) {
    this.#route = route;
  }

  /**
   * Has a tag of the target name what a tag of the source names now. What the target has is left alone.
   *
   * @throws TurnOver when there is no time for all of it: what is copied by then stays
   * @throws RegistryError whatever the mirror's fetches or a push throw
   */
  async copy(tag: Tag, toTag: Tag): Promise<'copied' | 'present'> {
    const { source, to, turn } = this.#route;
    turn.spend(COST.tag);
    const digest = (await askForDigest(source, tag)) ?? (await this.#mirrored(tag));
    const before = await source.stores.metadata.manifests.stat(to.name, { tag: toTag });
    const isNamed = before?.digest === digest;
    await this.#copyTree(digest, 0, isNamed ? [] : [toTag]);
    return isNamed ? 'present' : 'copied';
  }

  /** What a tag names by the mirror, where the upstream does not tell that in a HEAD. */
  async #mirrored(tag: Tag): Promise<Digest> {
    const { digest, staleBecause } = await this.#route.from.manifests.stat({ tag });
    if (staleBecause !== undefined) {
      throw new RegistryError('UPSTREAM_FAILED', staleBecause);
    }
    return digest;
  }

  /** The tag comes last: who pulls by it finds all that belongs to it, signatures too. */
  async #copyTree(digest: Digest, depth: number, tags: readonly Tag[]): Promise<void> {
    const { from, to, source, withReferrers, turn, visits, onBytes } = this.#route;
    const isEntered = visits.enter(digest, depth);
    if (!isEntered && tags.length === 0) {
      return;
    }
    const isThere = (await source.stores.metadata.manifests.stat(to.name, { digest })) !== null;
    const { manifests } = isThere ? to : from;
    const record = await manifests.get({ digest });
    const bytes = await bytesOf(await manifests.open(record));
    if (isEntered) {
      const manifest = parseManifest(bytes, record.mediaType);
      await this.#copyAll(manifest.children, depth);
      if (!isThere) {
        await this.#copyBlobs(manifest.blobs);
      }
      if (withReferrers) {
        await this.#copyReferrers(digest, depth);
      }
    }
    if (!isThere || tags.length > 0) {
      turn.spend(COST.put);
      const push = { reference: { digest }, bytes, contentType: record.mediaType };
      await to.manifests.put({ ...push, tags, conditions: [] });
      onBytes(isThere ? 0 : bytes.byteLength);
    }
    visits.finish(digest);
  }

  async #copyAll(children: readonly { digest: Digest }[], depth: number): Promise<void> {
    for (const { digest } of children) {
      await this.#copyTree(digest, depth + 1, []);
    }
  }

  /** What the upstream has about a manifest; one that cannot be asked is a failure here. */
  async #copyReferrers(subject: Digest, depth: number): Promise<void> {
    for (const referrer of await listReferrers(this.#route.source, subject)) {
      await this.#copyTree(referrer, depth + 1, []).catch(goneIsNull);
    }
  }

  async #copyBlobs(blobs: readonly Descriptor[]): Promise<void> {
    const { source, to } = this.#route;
    const digests = [...new Set(blobs.map((blob) => blob.digest))];
    const { metadata } = source.stores;
    const missing = new Set(await metadata.blobs.missing(to.name, digests, digests.length));
    const work = blobs.filter((blob) => missing.delete(blob.digest)).values();
    const lane = async () => {
      for (const blob of work) {
        await this.#copyBlob(blob);
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: BLOBS_AT_ONCE }, lane));
    const failed = lanes.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  }

  /** Links what the mirror has, which fetches it if it has not: there is one object in R2 for both. */
  async #copyBlob({ digest, size }: Descriptor): Promise<void> {
    const { from, to, fetches, visits, onBytes } = this.#route;
    if (!visits.enterBlob(digest, COST.mount)) {
      return;
    }
    if (!(await to.blobs.mount(digest, [from.name]))) {
      await fetches.blob(digest, false);
      if (!(await to.blobs.mount(digest, [from.name]))) {
        throw new RegistryError('UNAVAILABLE', `the mirror let go of ${digest} just now`);
      }
    }
    visits.finishBlob(digest);
    onBytes(size);
  }
}

/** A list of referrers may outlive what it names. */
function goneIsNull(error: unknown): null {
  if (error instanceof RegistryError && error.error === 'MANIFEST_UNKNOWN') {
    return null;
  }
  throw error;
}
