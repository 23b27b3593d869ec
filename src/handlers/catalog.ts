import { nextLink, parsePage } from '../http/pagination.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reader } from '../registry/repositories.ts';

/** Docker's list of repositories. https://distribution.github.io/distribution/spec/api/#catalog */
export async function list(
  request: Request,
  registry: Registry,
  reader: Reader | null,
): Promise<Response> {
  const url = new URL(request.url);
  const page = parsePage(url.searchParams);
  const { entries, hasMore } = await registry.repositories.list(page, reader);
  return Response.json(
    { repositories: entries },
    { headers: hasMore ? nextLink(url, page, entries.at(-1) ?? '') : {} },
  );
}

/** What `docker search` asks first: a v1 registry that answers on its own. https://github.com/moby/moby/tree/master/daemon/pkg/registry */
export function ping(): Response {
  return Response.json(true, { headers: { 'X-Docker-Registry-Standalone': 'true' } });
}

const DEFAULT_SEARCH_RESULTS = 25; // Docker Hub's

/** `docker search <host>/<term>`: repositories with the term in their name. https://github.com/moby/moby/blob/master/api/types/registry/search.go */
export async function search(
  request: Request,
  registry: Registry,
  reader: Reader | null,
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const term = query.get('q') ?? '';
  const { limit } = parsePage(query, DEFAULT_SEARCH_RESULTS);
  const names = await registry.repositories.search(term, limit, reader);
  return Response.json({
    query: term,
    num_results: names.length,
    num_pages: 1,
    page: 1,
    page_size: limit,
    results: names.map((name) => ({
      name,
      description: '',
      star_count: 0,
      is_official: false,
      is_automated: false,
    })),
  });
}
