import { globMatches } from '../auth/globs.ts';
import type { Digest } from '../oci/digest.ts';
import { isTag } from '../oci/reference.ts';
import { followsSubject, isReferrersTag, referrersTag } from '../oci/subject-tag.ts';
import type { TransferOptions } from '../storage/metadata/transfers.ts';
import type { NewTag } from './work-list.ts';

/** What cosign appends to the digest of a manifest, for what is about it. */
const SUFFIXES = ['.sig', '.att', '.sbom'];

/**
 * Of tags that a list names, those that a transfer copies. Tags of signatures and the like come along with
 * the manifest that they are about, unless they are asked for themselves.
 */
export function chooseTags(
  names: readonly string[],
  { tag: only, toTag, tags, exclude, withReferrers }: TransferOptions,
): NewTag[] {
  const isOf = (globs: readonly string[], name: string) =>
    globs.some((glob) => globMatches(glob, name));
  return names.filter(isTag).flatMap((tag): NewTag[] => {
    const follows = followsSubject(tag) || isReferrersTag(tag);
    const isAsked =
      only !== null
        ? tag === only
        : tags.length === 0
          ? withReferrers || !follows
          : isOf(tags, tag);
    if (isOf(exclude, tag) || !(isAsked || (follows && withReferrers))) {
      return [];
    }
    const target = only !== null && isAsked ? (toTag ?? tag) : tag;
    return [{ tag, toTag: target, state: isAsked ? 'waiting' : 'attached' }];
  });
}

/** The tags that are about a manifest. */
export function tagsAbout(digest: Digest): string[] {
  const name = digest.replace(':', '-');
  return [referrersTag(digest), ...SUFFIXES.map((suffix) => `${name}${suffix}`)];
}
