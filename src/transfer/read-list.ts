import { RegistryError } from '../oci/errors.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import { readWhole } from '../upstream/read-whole.ts';
import { refusedIsNull } from '../upstream/refusal.ts';

/** A page of names, and the query of the next one; null at the end. */
export interface NamePage {
  names: string[];
  next: string | null;
}

const PAGE = 1000; // names
const MAX_SIZE = 4 * 2 ** 20; // bytes: distribution 2 sends all tags in one answer

/**
 * Reads a page of the tags of a repository, or, where that is null, of the repositories of a registry.
 * The next is where the Link header says, or behind the last name where a full page has none.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 * https://distribution.github.io/distribution/spec/api/#catalog
 *
 * @param cursor the query that the page before gave, or ''
 * @throws NAME_UNKNOWN, UPSTREAM_REFUSED, UPSTREAM_FAILED, UPSTREAM_LIMITED
 */
export async function readList(
  client: UpstreamClient,
  repository: string | null,
  cursor: string,
): Promise<NamePage> {
  const path = repository === null ? '_catalog' : 'tags/list';
  const query = cursor === '' ? `?n=${PAGE}` : cursor;
  const headers = { Accept: 'application/json' };
  const question = { method: 'GET', repository, path: `${path}${query}`, headers } as const;
  const response = await client.ask(question).catch(refusedIsNull);
  if (response === null) {
    throw repository === null
      ? new RegistryError(
          'UPSTREAM_REFUSED',
          'the upstream does not list its repositories (_catalog): import them one by one',
        )
      : new RegistryError(
          'NAME_UNKNOWN',
          `the upstream has no repository ${repository}, or does not let us list its tags`,
        );
  }
  const bytes = await readWhole(response, MAX_SIZE);
  const names = parseNames(bytes, repository === null ? 'repositories' : 'tags');
  return { names, next: nextOf(response.headers.get('Link'), names) };
}

function parseNames(bytes: Uint8Array | null, key: string): string[] {
  let names: unknown = null;
  try {
    names = bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes))[key] ?? []);
  } catch {
    // not JSON
  }
  if (!Array.isArray(names)) {
    throw new RegistryError(
      'UPSTREAM_FAILED',
      'the upstream sent no list, broke off, or sent more than 4 MiB of it at once',
    );
  }
  return names.filter((name) => typeof name === 'string');
}

/** Only the query counts: the next page is at the same place, whatever host the header names. */
function nextOf(link: string | null, names: readonly string[]): string | null {
  if (names.length === 0) {
    return null; // else one that has nothing could go on for ever
  }
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '') ?? [];
  if (target !== undefined && URL.canParse(target, 'http://upstream')) {
    return new URL(target, 'http://upstream').search || null;
  }
  const last = names.at(-1);
  return names.length === PAGE && last !== undefined
    ? `?${new URLSearchParams({ n: String(PAGE), last })}`
    : null;
}
