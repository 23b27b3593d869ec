import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import { explainImmovable, isImmutable } from '../storage/immutable-tags.ts';
import type { TagCondition } from '../storage/metadata/tags.ts';
import { bringBackAmongOthers, type Place, type Restored } from './bring-back.ts';

export type { Place, Restored };

/** For those whose tag may not move. */
const ADVICE = 'pull the other one by its digest';

/** Where a tag is to go: to what it named before its last change, at a time, or to a digest. */
export type TagAim = { at: number } | { digest: Digest } | 'previous'; // seconds since the epoch

/**
 * Restores a deleted manifest with the children that it names and what refers to it, and, if asked,
 * with the tags that named it last and name nothing now. One that is there stays as it is.
 *
 * @throws MANIFEST_UNKNOWN when it is gone for good; RESTORE_REFUSED when something that it needs is, or
 *   when it is too much; TAG_MOVED
 */
export function restoreManifest(
  place: Place,
  digest: Digest,
  withLastTags: boolean,
): Promise<Restored> {
  const wish = { digest, withLastTags, tag: null, conditions: [] };
  return bringBackAmongOthers(place, async () => wish);
}

/**
 * Points a tag at what it named before, and restores the manifest if it is deleted. Where the tag names
 * it already nothing changes.
 *
 * @throws MANIFEST_UNKNOWN when the tag has never named it or it is gone for good; TAG_MOVED when
 *   somebody moves the tag meanwhile; TAG_IMMUTABLE; RESTORE_REFUSED, also when the change before made
 *   the tag
 */
export async function restoreTag(place: Place, tag: Tag, aim: TagAim): Promise<Restored> {
  const digest = await aimAt(place, tag, aim);
  const before = await namedBy(place, tag);
  const condition: TagCondition = {
    reference: { tag },
    mustMatch: before !== null,
    digests: before === null ? '*' : [before],
  };
  const next = async () => {
    const named = await namedBy(place, tag);
    if (named === digest) {
      return { digest, manifests: [], tags: [] };
    }
    if (named !== before) {
      throw new RegistryError('TAG_MOVED', 'somebody has moved the tag meanwhile: look again');
    }
    return { digest, withLastTags: false, tag, conditions: [condition] };
  };
  try {
    return await bringBackAmongOthers(place, next);
  } catch (error) {
    const { metadata } = place.stores;
    throw isImmutable(error)
      ? await explainImmovable(metadata, place.repository, [tag], digest, ADVICE)
      : error;
  }
}

async function aimAt({ stores, repository }: Place, tag: Tag, aim: TagAim): Promise<Digest> {
  const { tagHistory } = stores.metadata;
  if (aim !== 'previous' && 'digest' in aim) {
    if (!(await tagHistory.hasNamed(repository, tag, aim.digest))) {
      throw new RegistryError('MANIFEST_UNKNOWN', `the tag ${tag} has never named ${aim.digest}`);
    }
    return aim.digest;
  }
  const at = aim === 'previous' ? Number.MAX_SAFE_INTEGER : aim.at;
  const change = await tagHistory.lastChange(repository, tag, at);
  if (change === null) {
    throw unknownTag(tag, 'as far as its history goes back');
  }
  const digest = aim === 'previous' ? change.previous : change.digest;
  if (digest !== null) {
    return digest;
  }
  throw aim === 'previous'
    ? new RegistryError(
        'RESTORE_REFUSED',
        `the last change of the tag ${tag} made it, or brought it back: delete the tag to undo that, ` +
          'or name a time or a digest of its history',
      )
    : unknownTag(tag, 'at that time');
}

function unknownTag(tag: Tag, when: string): RegistryError {
  return new RegistryError(
    'MANIFEST_UNKNOWN',
    `there was no tag ${tag} ${when}: its history says what it has named`,
  );
}

async function namedBy({ stores, repository }: Place, tag: Tag): Promise<Digest | null> {
  const manifest = await stores.metadata.manifests.stat(repository, { tag });
  return manifest?.digest ?? null;
}
