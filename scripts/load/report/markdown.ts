import { toMachine } from '../../bench/report/machine.ts';
import { toTable } from '../../bench/report/tables.ts';
import type { Results } from '../results.ts';
import type { Outcome } from '../scenario.ts';

/** The report of a run. */
export function toMarkdown({ command, date, version, machine, outcomes }: Results): string {
  return [
    '# Load',
    `Made by \`${command}\` on ${date.slice(0, 10)}, with ${version}. The registry runs as by ` +
      '`npm start`, with a login; the load is made on the same machine, by Node, and takes its share ' +
      'of the processors.',
    toMachine(machine),
    ...outcomes.flatMap(toSection),
    '',
  ].join('\n\n');
}

function toSection({ name, about, tables, pledges, failures }: Outcome): string[] {
  const kept = pledges.map(({ text, isKept }) => [text, isKept ? 'yes' : '**no**']);
  return [
    `## ${name}`,
    about,
    ...tables.map(({ headings, rows }) => toTable(headings, rows)),
    toTable(['promised', 'kept'], kept),
    ...(failures.length === 0 ? [] : [failures.map((failure) => `- ${failure}`).join('\n')]),
  ];
}
