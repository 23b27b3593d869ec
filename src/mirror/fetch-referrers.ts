import { isDigest, type SubjectDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { parseManifest } from '../oci/manifest.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import { referrersTag } from '../oci/subject-tag.ts';
import { collect } from '../streams/collect.ts';
import { fetchManifest } from './fetch-manifest.ts';
import type { Source } from './source.ts';

/** What clients read of a list: distribution-spec v1.1.1 "Listing Referrers". */
const MAX_SIZE = 4 * 2 ** 20; // bytes

/** So many signatures, SBOMs and the like of one manifest are fetched at once; the rest the next time. */
const MAX_FETCHED = 100;

/**
 * Fetches what refers to a manifest at the upstream, as its API lists it, or the tag that stands in for
 * that where there is no API (distribution-spec v1.1.1 "Unavailable Referrers API").
 *
 * @throws UPSTREAM_LIED, UPSTREAM_FAILED, UPSTREAM_LIMITED, UPSTREAM_REFUSED
 */
export async function fetchReferrers(source: Source, subject: SubjectDigest): Promise<void> {
  const { stores, repository } = source;
  const bytes =
    (await read(source, `referrers/${subject}`)) ??
    (await read(source, `manifests/${referrersTag(subject)}`));
  if (bytes === null) {
    return;
  }
  const { children } = parseManifest(bytes, OCI_INDEX);
  const digests = children.map(({ digest }) => digest);
  const { manifests } = stores.metadata;
  for (const digest of await manifests.missing(repository, digests, MAX_FETCHED)) {
    if (isDigest(digest)) {
      await fetchManifest(source, { digest });
    }
  }
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
  const bytes = await collect(response.body, MAX_SIZE).catch(() => null);
  if (bytes === null) {
    throw new RegistryError('UPSTREAM_FAILED', 'the upstream broke off while it listed referrers');
  }
  return bytes;
}
