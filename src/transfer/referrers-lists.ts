import { digestOf } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { MAX_MANIFEST_SIZE, parseManifest } from '../oci/manifest.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import type { Tag } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../registry/referrers.ts';
import type { PushTarget } from './push-content.ts';

/** An index that lists referrers, as JSON; what else it has is passed on. */
interface ReferrersIndex {
  manifests: { digest: string }[];
}

/**
 * The lists of referrers that a registry without the referrers API has under tags, which its pushers
 * keep: distribution-spec v1.1.1 "Pushing Manifests with Subject".
 */
export class ReferrersLists {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Adds the entries of an index to the list under a tag, which keeps what else it has; where there is
   * none yet the index becomes it. One after the other, for tags that are copied at once share lists.
   * False when all of them are there.
   *
   * @throws UPSTREAM_REFUSED, MANIFEST_INVALID when the tag names no list there; MANIFEST_TOO_LARGE; what a
   *   push throws
   */
  add(target: PushTarget, tag: Tag, index: Uint8Array): Promise<boolean> {
    const adding = this.#last.then(() => add(target, tag, index));
    this.#last = adding.catch(() => {});
    return adding;
  }
}

/** An index of these referrers. */
export function indexOfReferrers(referrers: readonly ReferrerDescriptor[]): Uint8Array {
  return toBytes({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: referrers });
}

async function add(target: PushTarget, tag: Tag, index: Uint8Array): Promise<boolean> {
  const there = await target.index(tag);
  const bytes = there === null ? index : withEntries(parse(there), parse(index));
  if (bytes === null) {
    return false;
  }
  if (bytes.byteLength > MAX_MANIFEST_SIZE) {
    throw new RegistryError(
      'MANIFEST_TOO_LARGE',
      `the list of referrers under ${tag} would have more than 4 MiB: remove some of them, there or here`,
    );
  }
  const digest = digestOf(bytes, 'sha256');
  await target.manifest({ digest, mediaType: OCI_INDEX, bytes, hasSubject: false }, tag);
  return true;
}

function withEntries(there: ReferrersIndex, more: ReferrersIndex): Uint8Array | null {
  const known = new Set(there.manifests.map(({ digest }) => digest));
  const missing = more.manifests.filter(({ digest }) => !known.has(digest));
  return missing.length === 0
    ? null
    : toBytes({ ...there, manifests: [...there.manifests, ...missing] });
}

function parse(bytes: Uint8Array): ReferrersIndex {
  parseManifest(bytes, OCI_INDEX); // has this form
  return JSON.parse(new TextDecoder().decode(bytes));
}

function toBytes(body: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}
