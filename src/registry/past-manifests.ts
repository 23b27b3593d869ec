import { RegistryError } from '../oci/errors.ts';
import { formatTime, type PastTag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ManifestWithBody } from '../storage/metadata/manifests.ts';
import type { Stores } from '../storage/stores.ts';

/**
 * Finds what a tag named at a time, by its history.
 *
 * @throws MANIFEST_UNKNOWN that says whether there was no such tag, or the manifest is deleted and
 *   until when it can be restored
 */
export async function findPast(
  { metadata }: Stores,
  repository: RepositoryName,
  { pastTag, at }: PastTag,
): Promise<ManifestWithBody> {
  const past = await metadata.tagHistory.manifestAt(repository, pastTag, at);
  if (past?.manifest) {
    return past.manifest;
  }
  const time = formatTime(at);
  if (!past?.named) {
    throw unknown(`there was no tag ${pastTag} at ${time}, as far as its history goes back`);
  }
  const { named, restorableUntil } = past;
  throw unknown(
    restorableUntil === null
      ? `the tag ${pastTag} named ${named} at ${time}, which is gone`
      : `the tag ${pastTag} named ${named} at ${time}, which is deleted and can be restored until ` +
          formatTime(restorableUntil),
  );
}

function unknown(message: string): RegistryError {
  return new RegistryError('MANIFEST_UNKNOWN', message);
}
