import type { Digest } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Tag } from '../oci/reference.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/registry.ts';
import type { Stores } from '../storage/stores.ts';
import { bytesOf, REFERRERS_PAGE } from './image.ts';
import type { PushTarget } from './push-content.ts';
import { COST, type Turn } from './turn.ts';
import type { Visits } from './visits.ts';

/** From which repository of ours to which of another registry, and how. */
export interface OutgoingRoute {
  from: Repository;
  target: PushTarget;
  stores: Stores;
  withReferrers: boolean;
  turn: Turn;
  visits: Visits;
  onBytes: (bytes: number) => void;
}

/** Pushes an image with all that it names to another registry: the same bytes, so every digest is the same. */
export class ImagePush {
  readonly #route: OutgoingRoute;

  constructor(route: OutgoingRoute) {
    this.#route = route;
  }

  /** As the copy of an image the other way. @throws TurnOver, RegistryError */
  async copy(tag: Tag, toTag: Tag): Promise<'copied' | 'present'> {
    const { from, target, turn } = this.#route;
    turn.spend(COST.tag);
    const { digest } = await from.manifests.stat({ tag });
    const isNamed = (await target.digestOf(toTag)) === digest;
    await this.#pushTree(digest, 0, isNamed ? null : toTag);
    return isNamed ? 'present' : 'copied';
  }

  async #pushTree(digest: Digest, depth: number, tag: Tag | null): Promise<void> {
    const { from, target, visits, onBytes } = this.#route;
    const isEntered = visits.enter(digest, depth);
    if (!isEntered && tag === null) {
      return;
    }
    const isThere = (await target.digestOf(digest)) !== null;
    const record = await from.manifests.get({ digest });
    const bytes = await bytesOf(await from.manifests.open(record));
    if (isEntered) {
      const manifest = parseManifest(bytes, record.mediaType);
      await this.#pushAll(manifest.children, depth);
      for (const blob of isThere ? [] : manifest.blobs) {
        await this.#pushBlob(blob.digest);
      }
      await this.#pushReferrers(digest, depth);
    }
    if (!isThere || tag !== null) {
      await target.manifest({ digest, mediaType: record.mediaType, bytes }, tag ?? digest);
      onBytes(isThere ? 0 : bytes.byteLength);
    }
    visits.finish(digest);
  }

  async #pushAll(manifests: readonly { digest: Digest }[], depth: number): Promise<void> {
    for (const { digest } of manifests) {
      await this.#pushTree(digest, depth + 1, null);
    }
  }

  async #pushBlob(digest: Digest): Promise<void> {
    const { from, target, visits, onBytes } = this.#route;
    if (visits.enterBlob(digest, COST.upload)) {
      const blob = await from.blobs.stat(digest);
      onBytes((await target.blob(blob)) ? blob.size : 0);
      visits.finishBlob(digest);
    }
  }

  async #pushReferrers(subject: Digest, depth: number): Promise<void> {
    const { from, stores, withReferrers } = this.#route;
    const referrers = new Referrers(from.name, stores);
    for (let last = '', hasMore = withReferrers; hasMore; ) {
      const page = await referrers.list(subject, null, { last, limit: REFERRERS_PAGE });
      await this.#pushAll(page.entries, depth);
      last = page.entries.at(-1)?.digest ?? '';
      hasMore = page.hasMore && last !== '';
    }
  }
}
