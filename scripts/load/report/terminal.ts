import type { Outcome, Table } from '../scenario.ts';

/** The outcome of a scenario for those who wait for it. */
export function toText({ name, tables, pledges, failures }: Outcome): string {
  return [
    `\n${name}`,
    ...tables.map((table) => `\n${alignTable(table)}`),
    '',
    ...pledges.map(({ text, isKept }) => `${isKept ? 'kept  ' : 'BROKEN'}  ${text}`),
    ...failures.map((failure) => `        ${failure}`),
  ].join('\n');
}

function alignTable({ headings, rows }: Table): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((cells) => cells[column]?.length ?? 0)),
  );
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  };
  return all.map((cells) => cells.map(pad).join('  ').trimEnd()).join('\n');
}
