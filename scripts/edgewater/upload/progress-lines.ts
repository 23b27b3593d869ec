import { formatBytes } from '../amount.ts';
import { printable } from '../output.ts';
import { formatRate, type Progress, type Transfer } from './progress.ts';

/** A line when something ends or is hindered, on standard error. A quiet one tells problems alone. */
export class ProgressLines implements Progress {
  readonly #isQuiet: boolean;
  readonly #done: string;

  /** `done` is what is said of something that has ended well. */
  constructor(isQuiet: boolean, done: string) {
    this.#isQuiet = isQuiet;
    this.#done = done;
  }

  start(name: string, total: number | null): Transfer {
    const started = performance.now();
    let sent = 0;
    return {
      update: (bytes) => {
        sent = bytes;
      },
      hinder: (why) => {
        if (!this.#isQuiet) {
          write(`${name}: at ${formatBytes(sent)}: ${why}; trying again`);
        }
      },
      end: (problem) => {
        if (problem !== null) {
          write(`${name}: failed at ${formatBytes(sent)}: ${problem}`);
        } else if (!this.#isQuiet && sent > 0) {
          const size = formatBytes(total ?? sent);
          write(`${name}: ${this.#done} ${size}, ${formatRate(total ?? sent, started)}`);
        }
      },
    };
  }

  say(message: string): void {
    if (!this.#isQuiet) {
      write(message);
    }
  }

  warn(message: string): void {
    write(message);
  }

  stop(): void {}
}

function write(message: string): void {
  process.stderr.write(`${printable(message)}\n`);
}
