import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Tag } from '../oci/reference.ts';
import { explainImmovable, explainKept, isImmutable } from '../storage/immutable-tags.ts';
import { askForDigest, fetchManifest } from './fetch-manifest.ts';
import { MIRROR, type Source } from './source.ts';

/** How a tag stands to the upstream. */
export interface TagState {
  /** Why what is here may be old, in words; null when the upstream says that it is not. */
  staleBecause: string | null;
}

const FRESH: TagState = { staleBecause: null };

/** For who pulls a tag that may not move. */
const ADVICE = 'pull by digest what the upstream has now';

/**
 * Brings a tag up to date: asks the upstream what it names, unless that was done within the maximum age,
 * and fetches what is new. When that cannot be had or stored, what is here stays good, unless the
 * upstream's settings say otherwise.
 *
 * @throws MANIFEST_UNKNOWN, NAME_UNKNOWN, UPSTREAM_LIED, UPSTREAM_FAILED, UPSTREAM_LIMITED,
 *   UPSTREAM_REFUSED, QUOTA_OF_BYTES_EXCEEDED, QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY,
 *   UNAVAILABLE
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
    const isGone = isUnknown(error) && upstream.onMissing === 'forget';
    const failure = isGone ? await forget(source, tag, error) : error;
    const staleBecause = whyStale(source, failure);
    if (staleBecause === null) {
      throw failure;
    }
    return { staleBecause };
  }
}

async function update(source: Source, tag: Tag, known: Digest): Promise<void> {
  const { stores, repository } = source;
  const { mirrored } = stores.metadata;
  const digest = await askForDigest(source, tag);
  if (digest === known) {
    await mirrored.confirmTag(repository, tag);
    return;
  }
  if (digest !== null) {
    await checkMovable(source, tag, digest);
    if (await mirrored.pointTag(repository, tag, digest, MIRROR)) {
      return;
    }
  }
  await fetchManifest(source, { tag });
}

/** Before something is fetched that could not be stored. @throws TAG_IMMUTABLE */
async function checkMovable(
  { stores: { metadata }, repository }: Source,
  tag: Tag,
  digest: Digest,
): Promise<void> {
  if ((await metadata.tagRules.findImmovable(repository, [tag], digest)) !== null) {
    throw await explainImmovable(metadata, repository, [tag], digest, ADVICE);
  }
}

/** Deletes a tag that is gone at the upstream: the failure that says so, or why it stays. */
async function forget(
  { stores: { metadata }, repository }: Source,
  tag: Tag,
  gone: unknown,
): Promise<unknown> {
  try {
    await metadata.tags.delete(repository, tag, MIRROR);
    return gone;
  } catch (error) {
    return isImmutable(error) ? explainKept(metadata, repository, { tag }) : error;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof RegistryError && error.error === 'MANIFEST_UNKNOWN';
}

/** What is said of the upstream, or of the room for what it has, and not of what was asked for. */
const NOT_TO_BE_HAD = /^(?:UPSTREAM|UNAVAILABLE|QUOTA_OF|RESTORE_UNDER_WAY)/;

/** Why what is here may be served all the same, after a failure, or null when it may not. */
export function whyStale({ upstream }: Source, error: unknown): string | null {
  if (!(error instanceof RegistryError)) {
    return null;
  }
  const { onFailure, onMissing } = upstream;
  const isServed =
    isImmutable(error) ||
    (isUnknown(error)
      ? onMissing === 'keep'
      : onFailure === 'stale' && NOT_TO_BE_HAD.test(error.error));
  return isServed ? error.message : null;
}
