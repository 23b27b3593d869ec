import { RegistryError } from '../oci/errors.ts';

/** What a list request asks for: at most `limit` entries that sort after `last`. */
export interface Page {
  limit: number;
  last: string;
}

const MAX_LIMIT = 1000;

/**
 * Reads `n` and `last` (distribution-spec v1.1.1 "Listing tags"). Without `n` a page has
 * `defaultLimit` entries, and never more than 1,000: the Link header leads on.
 *
 * @throws PAGINATION_NUMBER_INVALID
 */
export function parsePage(query: URLSearchParams, defaultLimit = MAX_LIMIT): Page {
  const n = query.get('n');
  if (n !== null && !/^\d{1,20}$/.test(n)) {
    throw new RegistryError('PAGINATION_NUMBER_INVALID');
  }
  return { limit: Math.min(Number(n ?? defaultLimit), MAX_LIMIT), last: query.get('last') ?? '' };
}

/** The Link header to the page after the entry `last` (RFC 8288), with the request's other parameters. */
export function nextLink(url: URL, page: Page, last: string): Record<string, string> {
  const query = new URLSearchParams(url.searchParams);
  query.set('n', String(page.limit));
  query.set('last', last);
  return { Link: `<${url.pathname}?${query}>; rel="next"` };
}
