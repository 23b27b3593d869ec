import type { Digest, SubjectDigest } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import type { Tag } from '../oci/reference.ts';
import { isReferrersTag, referrersTag } from '../oci/subject-tag.ts';
import { describeReferrer, type ReferrerDescriptor, Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/registry.ts';
import type { Stores } from '../storage/stores.ts';
import { bytesOf, REFERRERS_PAGE } from './image.ts';
import type { PushTarget } from './push-content.ts';
import { indexOfReferrers, type ReferrersLists } from './referrers-lists.ts';
import { COST, type Turn } from './turn.ts';
import type { Visits } from './visits.ts';

/** From which repository of ours to which of another registry, and how. */
export interface OutgoingRoute {
  from: Repository;
  target: PushTarget;
  lists: ReferrersLists; // of the whole transfer
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
    const { digest, mediaType } = await from.manifests.stat({ tag });
    const isNamed = (await target.digestOf(toTag)) === digest;
    if (!isNamed && isReferrersTag(toTag) && mediaType === OCI_INDEX) {
      return (await this.#pushList(digest, toTag)) ? 'copied' : 'present';
    }
    await this.#pushTree(digest, 0, isNamed ? null : toTag);
    return isNamed ? 'present' : 'copied';
  }

  async #pushTree(digest: Digest, depth: number, tag: Tag | null): Promise<void> {
    const { target, visits, onBytes } = this.#route;
    const isEntered = visits.enter(digest, depth);
    if (!isEntered && tag === null) {
      return;
    }
    const isThere = (await target.digestOf(digest)) !== null;
    const { bytes, manifest } = await this.#read(digest);
    if (isEntered) {
      await this.#pushAll(manifest.children, depth);
      for (const blob of isThere ? [] : manifest.blobs) {
        await this.#pushBlob(blob.digest);
      }
      await this.#pushReferrers(digest, depth);
    }
    if (!isThere || tag !== null) {
      const { mediaType, subject } = manifest;
      const outgoing = { digest, mediaType, bytes, hasSubject: subject !== null };
      await target.manifest(outgoing, tag ?? digest);
      onBytes(isThere ? 0 : bytes.byteLength);
    }
    if (depth === 0 && manifest.subject !== null) {
      const record = { ...manifest, digest, size: bytes.byteLength };
      const entry = describeReferrer(record, new TextDecoder().decode(bytes));
      await this.#list(manifest.subject, [entry]);
    }
    visits.finish(digest);
  }

  async #read(digest: Digest) {
    const { manifests } = this.#route.from;
    const record = await manifests.get({ digest });
    const bytes = await bytesOf(await manifests.open(record));
    return { bytes, manifest: parseManifest(bytes, record.mediaType) };
  }

  /** A list of referrers that came here under its tag is added to the one that is there. */
  async #pushList(digest: Digest, toTag: Tag): Promise<boolean> {
    const { bytes, manifest } = await this.#read(digest);
    await this.#pushAll(manifest.children, 0);
    return this.#addToList(toTag, bytes);
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
      await this.#list(subject, page.entries);
      last = page.entries.at(-1)?.digest ?? '';
      hasMore = page.hasMore && last !== '';
    }
  }

  /** Has referrers found at a registry that does not list them by itself. */
  async #list(subject: SubjectDigest, referrers: readonly ReferrerDescriptor[]): Promise<void> {
    if (referrers.length > 0 && !(await this.#route.target.keepsReferrers(subject))) {
      await this.#addToList(referrersTag(subject), indexOfReferrers(referrers));
    }
  }

  /** False when the list under a tag has all of an index. */
  async #addToList(tag: Tag, index: Uint8Array): Promise<boolean> {
    const { lists, target, turn, onBytes } = this.#route;
    turn.spend(COST.list);
    const isNew = await lists.add(target, tag, index);
    onBytes(isNew ? index.byteLength : 0);
    return isNew;
  }
}
