/** A table in Markdown; all columns but the first hold numbers. */
export function toTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = headings.map((_, column) => (column === 0 ? '---' : '---:'));
  return [headings, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Three digits that count, and no more. */
export function toNumber(value: number | null): string {
  if (value === null || Number.isNaN(value)) {
    return '';
  }
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A ratio, as "2.31×". */
export function toRatio(value: number | null): string {
  return value === null ? '' : `${value.toFixed(2)}×`;
}
