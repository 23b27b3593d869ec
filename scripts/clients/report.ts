/** How one action of one client went. `seconds` is null for what was not run. */
export interface Result {
  client: string;
  version: string;
  action: string;
  outcome: 'ok' | 'FAILED' | 'not run';
  seconds: number | null;
  remark: string;
}

const HEADINGS = ['client', 'version', 'action', 'result', 'seconds', 'remark'];
const SECONDS = 4; // the column with numbers

/** The results as a table of text, with a client's name in its first row only. */
export function toTable(results: readonly Result[]): string {
  const rows = results.map((result, at) => {
    const isFirst = results[at - 1]?.client !== result.client;
    return [
      isFirst ? result.client : '',
      isFirst ? result.version : '',
      result.action,
      result.outcome,
      result.seconds === null ? '' : result.seconds.toFixed(1),
      result.remark,
    ];
  });
  const lines = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  return [HEADINGS, rule, ...rows].map((cells) => toLine(cells, widths)).join('\n');
}

function toLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === SECONDS ? cell.padStart(width) : cell.padEnd(width);
    })
    .join('  ')
    .trimEnd();
}
