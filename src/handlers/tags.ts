import { nextLink, parsePage } from '../http/pagination.ts';
import type { Repository } from '../registry/registry.ts';

/** end-8a, end-8b: list tags. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags */
export async function list(request: Request, repository: Repository): Promise<Response> {
  const url = new URL(request.url);
  const page = parsePage(url.searchParams);
  const { entries, hasMore } = await repository.tags.list(page);
  return Response.json(
    { name: repository.name, tags: entries },
    { headers: hasMore ? nextLink(url, page, entries.at(-1) ?? '') : {} },
  );
}
