import { type Api, apiPath } from '../api.ts';
import type { Row } from './format.ts';
import { persist } from './persist.ts';
import type { UnpackedMetadata } from './read-metadata.ts';

/** The most that one request takes. */
const MAX_ROWS = 100;
const MAX_SIZE = 2 ** 20; // characters, but for a row that has more

/** Rows, and the place of each in its table. */
interface Page {
  rows: Row[];
  places: number[];
}

/**
 * Sends the rows of a table, and those again that lack what comes behind them in it, for as long as that
 * helps.
 *
 * @param places which rows to send; null for all
 * @returns the places of those that the registry does not take
 */
export async function sendRows(
  api: Api,
  metadata: UnpackedMetadata,
  table: string,
  places: ReadonlySet<number> | null = null,
): Promise<Set<number>> {
  let refused = await sendOnce(api, metadata, table, places);
  for (let before = Number.POSITIVE_INFINITY; refused.size > 0 && refused.size < before; ) {
    before = refused.size;
    refused = await sendOnce(api, metadata, table, refused);
  }
  return refused;
}

async function sendOnce(
  api: Api,
  metadata: UnpackedMetadata,
  table: string,
  places: ReadonlySet<number> | null,
): Promise<Set<number>> {
  const all = new Set<number>();
  for await (const page of pagesOf(metadata.rows(table), places)) {
    const { refused } = await persist(() =>
      api.send<{ refused: number[] }>('POST', apiPath`/restore/tables/${table}`, {
        rows: page.rows,
      }),
    );
    for (const at of refused) {
      all.add(page.places[at] ?? -1);
    }
  }
  return all;
}

async function* pagesOf(
  rows: AsyncIterable<Row>,
  places: ReadonlySet<number> | null,
): AsyncGenerator<Page> {
  let page: Page = { rows: [], places: [] };
  let size = 0;
  let place = -1;
  for await (const row of rows) {
    place += 1;
    if (places !== null && !places.has(place)) {
      continue;
    }
    const length = JSON.stringify(row).length;
    if (page.rows.length === MAX_ROWS || (page.rows.length > 0 && size + length > MAX_SIZE)) {
      yield page;
      page = { rows: [], places: [] };
      size = 0;
    }
    page.rows.push(row);
    page.places.push(place);
    size += length;
  }
  if (page.rows.length > 0) {
    yield page;
  }
}
