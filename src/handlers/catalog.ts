import { nextLink, parsePage } from '../http/pagination.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Registry } from '../registry/registry.ts';

/** Docker's list of repositories. https://distribution.github.io/distribution/spec/api/#catalog */
export async function list(request: Request, registry: Registry): Promise<Response> {
  const url = new URL(request.url);
  const page = parsePage(url.searchParams);
  const { entries, hasMore } = await registry.repositories.list(page);
  return Response.json(
    { repositories: entries },
    { headers: hasMore ? nextLink(url, page, entries.at(-1) ?? '') : {} },
  );
}

/** What `docker search` asks first: a v1 registry that answers on its own. */
export function ping(): Response {
  return Response.json(true, { headers: { 'X-Docker-Registry-Standalone': 'true' } });
}

const MAX_SEARCH_RESULTS = 100;

/** `docker search <host>/<term>`: repositories with the term in their name. */
export async function search(request: Request, registry: Registry): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const term = query.get('q') ?? '';
  const n = query.get('n') || '25';
  if (!/^\d{1,4}$/.test(n)) {
    throw new RegistryError('PAGINATION_NUMBER_INVALID');
  }
  const limit = Math.min(Math.max(1, Number(n)), MAX_SEARCH_RESULTS);
  const names = await registry.repositories.search(term, limit);
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
