/** Every table of the schema is in a backup, or is left out for a reason. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import {
  DERIVED,
  EDGES,
  EXPORTED,
  NOT_EXPORTED,
  RESTORED,
} from '../../src/storage/metadata/backup-tables.ts';
import { query } from '../support/storage.ts';

test('every table is exported, or named with the reason why not', async () => {
  const tables = await query(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
       AND name NOT GLOB '_cf_*' AND name <> 'd1_migrations'`,
  );
  const known: string[] = [...EXPORTED, ...Object.keys(NOT_EXPORTED)];
  expect(tables.filter((table) => !known.includes(String(table)))).toEqual([]);
});

test('what is exported is restored', () => {
  expect([...RESTORED].sort()).toEqual([...new Set(EXPORTED)].sort());
});

test('lists of a manifest have all that their tables have', async () => {
  for (const edge of Object.values(EDGES).flat()) {
    const columns = await query(`SELECT name FROM pragma_table_info('${edge.table}')`);
    expect(columns).toEqual(['repository_id', edge.owner, edge.target]);
  }
});

test('every column goes through JSON', async () => {
  for (const table of EXPORTED) {
    const { results } = await env.DB.prepare(`PRAGMA table_info(${table})`).all<{
      name: string;
      type: string;
    }>();
    const others = results.filter(({ type }) => !['INTEGER', 'TEXT'].includes(type));
    expect(others, table).toEqual([]);
    expect(
      Object.keys(DERIVED).every((name) => (EXPORTED as readonly string[]).includes(name)),
    ).toBe(true);
  }
});
