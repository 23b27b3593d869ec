import type { Results } from '../results.ts';
import { ZB_OPTIONS } from '../zb.ts';
import { toNumber, toTable } from './tables.ts';

/** What zot's own benchmark told, if it ran. */
export function toZbTable({ zb, absent }: Results): string[] {
  if (zb.length === 0) {
    return ['## zb', `zot’s own benchmark did not run: ${absent.zb ?? 'it was not asked for'}.`];
  }
  const rows = zb.map(({ test, contestant, rate, p50, p99, failures }) => [
    test,
    contestant,
    toNumber(rate),
    toNumber(p50),
    toNumber(p99),
    String(failures),
  ]);
  return [
    '## zb',
    `zot’s own benchmark, \`zb ${ZB_OPTIONS.join(' ')}\`, once. It knows no bearer tokens, so each ` +
      'registry is a second instance that is open to everybody. Its pulls and pushes are of whole ' +
      'images; times in ms.',
    toTable(['test', 'registry', 'per second', 'p50', 'p99', 'failures'], sorted(rows)),
    ...Object.entries(absent)
      .filter(([name]) => name.startsWith('zb on '))
      .map(
        ([name, why]) =>
          `${name} failed (it drops the query of the address that an upload is to go on at): ${why}`,
      ),
  ];
}

/** Test by test, for the registries of one are what is compared. */
function sorted(rows: string[][]): string[][] {
  const tests = [...new Set(rows.map(([test]) => test))];
  return rows.sort(([a], [b]) => tests.indexOf(a) - tests.indexOf(b));
}
