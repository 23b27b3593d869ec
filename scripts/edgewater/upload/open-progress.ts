import type { Progress } from './progress.ts';
import { ProgressBars } from './progress-bars.ts';
import { ProgressLines } from './progress-lines.ts';

/**
 * Bars where somebody watches, else lines; a quiet one tells problems alone. `done` is what is said of
 * something that has ended well.
 */
export function openProgress(isQuiet: boolean, done = 'sent'): Progress {
  return process.stderr.isTTY && !isQuiet
    ? new ProgressBars(done)
    : new ProgressLines(isQuiet, done);
}
