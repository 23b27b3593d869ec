import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import { askForDigest, fetchManifest } from './fetch-manifest.ts';
import { MIRROR, type Source } from './source.ts';

/** How a tag stands to the upstream. */
export interface TagState {
  /** Why what is here may be old, in words; null when the upstream says that it is not. */
  staleBecause: string | null;
}

const FRESH: TagState = { staleBecause: null };

/**
 * Brings a tag up to date: asks the upstream what it names, unless that was done within the maximum age,
 * and fetches what is new. When the upstream does not answer, or has had enough of us, what is here stays
 * good, unless the upstream's settings say otherwise.
 *
 * @throws MANIFEST_UNKNOWN, UPSTREAM_LIED, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED
 */
export async function refreshTag(source: Source, tag: Tag): Promise<TagState> {
  const { upstream, stores, repository } = source;
  const known = await stores.metadata.mirrored.findTag(repository, tag);
  if (known === null) {
    await fetchManifest(source, { tag });
    return FRESH;
  }
  if (known.age < upstream.tagMaxAge) {
    return FRESH;
  }
  try {
    await update(source, tag, known.digest);
    return FRESH;
  } catch (error) {
    const because = whyStale(source, error);
    if (because === null) {
      if (error instanceof RegistryError && error.error === 'MANIFEST_UNKNOWN') {
        await stores.metadata.tags.delete(repository, tag, MIRROR);
      }
      throw error;
    }
    return { staleBecause: because };
  }
}

async function update(source: Source, tag: Tag, known: Digest): Promise<void> {
  const digest = await askForDigest(source, tag);
  if (digest === known) {
    await source.stores.metadata.mirrored.confirmTag(source.repository, tag);
  } else {
    await fetchManifest(source, { tag });
  }
}

/** Why what is here may be served all the same, after a failure, or null when it may not. */
export function whyStale({ upstream }: Source, error: unknown): string | null {
  if (!(error instanceof RegistryError)) {
    return null;
  }
  const { onFailure, onMissing } = upstream;
  const isServed =
    error.error === 'MANIFEST_UNKNOWN'
      ? onMissing === 'keep'
      : onFailure === 'stale' && /^(?:UPSTREAM|UNAVAILABLE)/.test(error.error);
  return isServed ? error.message : null;
}
