import { Presets, SingleBar } from 'cli-progress';

/** Tells how far the benchmark is: a bar on a terminal, a line for each step elsewhere. */
export class Progress {
  readonly #bar: SingleBar | null;
  readonly #total: number;
  #done = 0;

  constructor(total: number) {
    this.#total = total;
    this.#bar = process.stderr.isTTY
      ? new SingleBar(
          { format: '{bar} {value}/{total} {step}', stream: process.stderr, clearOnComplete: true },
          Presets.shades_classic,
        )
      : null;
    this.#bar?.start(total, 0, { step: '' });
  }

  /** Something begins. */
  begin(step: string): void {
    if (this.#bar === null) {
      console.error(`bench: ${this.#done}/${this.#total} ${step}`);
    } else {
      this.#bar.update(this.#done, { step });
    }
  }

  /** It is over. */
  advance(): void {
    this.#done++;
  }

  /** So is everything. */
  stop(): void {
    this.#bar?.stop();
  }
}
