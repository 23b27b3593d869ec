import { OCI_FILTERS_APPLIED } from '../http/headers.ts';
import { nextLink, parsePage } from '../http/pagination.ts';
import type { SubjectDigest } from '../oci/digest.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import type { Repository } from '../registry/registry.ts';

/** end-12a, end-12b: list the manifests that name a subject. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export async function list(
  request: Request,
  repository: Repository,
  subject: SubjectDigest,
): Promise<Response> {
  const url = new URL(request.url);
  const page = parsePage(url.searchParams);
  const artifactType = url.searchParams.get('artifactType') || null;
  const { entries, hasMore } = await repository.referrers.list(subject, artifactType, page);
  const headers = {
    'Content-Type': OCI_INDEX,
    ...(artifactType !== null && { [OCI_FILTERS_APPLIED]: 'artifactType' }),
    ...(hasMore && nextLink(url, page, entries.at(-1)?.digest ?? '')),
  };
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries };
  return new Response(JSON.stringify(index), { headers });
}
