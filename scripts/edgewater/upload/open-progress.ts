import type { Progress } from './progress.ts';
import { ProgressBars } from './progress-bars.ts';
import { ProgressLines } from './progress-lines.ts';

/** Bars where somebody watches, else lines; a quiet one tells problems alone. */
export function openProgress(isQuiet: boolean): Progress {
  return process.stderr.isTTY && !isQuiet ? new ProgressBars() : new ProgressLines(isQuiet);
}
