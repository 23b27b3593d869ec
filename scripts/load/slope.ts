/** A straight line through points, by least squares. */
export interface Fit {
  slope: number; // per unit of x
  error: number; // the standard error of that, as if the points were independent
}

/** Not a number with fewer than three points. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Fit {
  const count = points.length;
  const mean = (values: readonly number[]) => values.reduce((sum, it) => sum + it, 0) / count;
  const middleX = mean(points.map(([x]) => x));
  const middleY = mean(points.map(([, y]) => y));
  const sum = (of: (x: number, y: number) => number) =>
    points.reduce((total, [x, y]) => total + of(x - middleX, y - middleY), 0);
  const spread = sum((x) => x * x);
  const slope = sum((x, y) => x * y) / spread;
  const rest = sum((x, y) => (y - slope * x) ** 2);
  return { slope, error: Math.sqrt(rest / (count - 2) / spread) };
}
