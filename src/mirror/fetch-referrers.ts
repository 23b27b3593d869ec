import type { Digest, SubjectDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { MAX_MANIFEST_SIZE } from '../oci/manifest.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import { referrersTag } from '../oci/subject-tag.ts';
import { readWhole } from '../upstream/read-whole.ts';
import { fetchManifest, parseSent } from './fetch-manifest.ts';
import type { Source } from './source.ts';

/** So many signatures, SBOMs and the like of one manifest are fetched at once; the rest the next time. */
const MAX_FETCHED = 100;

/**
 * What refers to a manifest at the upstream, as its API lists it, or the tag that stands in for that where
 * there is no API (distribution-spec v1.1.1 "Unavailable Referrers API").
 *
 * @throws UPSTREAM_LIED, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED
 */
export async function listReferrers(source: Source, subject: SubjectDigest): Promise<Digest[]> {
  const bytes =
    (await read(source, `referrers/${subject}`)) ??
    (await read(source, `manifests/${referrersTag(subject)}`));
  const children = bytes === null ? [] : parseSent(bytes, OCI_INDEX).children;
  return children.map(({ digest }) => digest);
}

/**
 * Fetches what {@link listReferrers} lists. What is listed and cannot be had is left out, and added to
 * `gone`, of which nothing is asked for.
 *
 * @returns whether all is here by now
 * @throws UPSTREAM_LIED, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED, QUOTA_OF_BYTES_EXCEEDED,
 *   QUOTA_OF_REPOSITORIES_EXCEEDED, RESTORE_UNDER_WAY, NAME_UNKNOWN, UNAVAILABLE
 */
export async function fetchReferrers(
  source: Source,
  subject: SubjectDigest,
  gone: Set<Digest> = new Set(),
): Promise<boolean> {
  const { stores, repository } = source;
  const listed = await listReferrers(source, subject);
  const digests = listed.filter((digest) => !gone.has(digest));
  const { manifests } = stores.metadata;
  const missing = await manifests.missing(repository, digests, MAX_FETCHED);
  for (const digest of missing) {
    await fetchManifest(source, { digest }).catch((error: unknown) => {
      if (!isOfItself(error)) {
        throw error;
      }
      console.error(`${repository} goes without ${digest}, which refers to ${subject}:`, error);
      gone.add(digest);
    });
  }
  return missing.length < MAX_FETCHED;
}

/** Whether a failure says nothing of the other manifests. */
function isOfItself(error: unknown): boolean {
  return (
    error instanceof RegistryError && ['MANIFEST_UNKNOWN', 'UPSTREAM_LIED'].includes(error.error)
  );
}

async function read({ client, remote }: Source, path: string): Promise<Uint8Array | null> {
  const response = await client.ask({
    method: 'GET',
    repository: remote,
    path,
    headers: { Accept: OCI_INDEX },
  });
  const type = response?.headers.get('Content-Type')?.split(';', 1)[0];
  if (response === null || type !== OCI_INDEX || response.body === null) {
    await response?.body?.cancel();
    return null;
  }
  const bytes = await readWhole(response, MAX_MANIFEST_SIZE);
  if (bytes === null) {
    throw new RegistryError(
      'UPSTREAM_FAILED',
      'the upstream broke off while it listed referrers, or listed more than 4 MiB',
    );
  }
  return bytes;
}
