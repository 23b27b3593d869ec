import { Presets, SingleBar } from 'cli-progress';

const PAUSE = 15_000; // milliseconds between lines

/** Tells how far a scenario is: a bar on a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #name: string;
  readonly #total: number;
  readonly #bar: SingleBar | null;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, total: number) {
    this.#name = name;
    this.#total = total;
    const format = `${name} {bar} {value}/{total} {remark}`;
    this.#bar = process.stderr.isTTY
      ? new SingleBar({ format, stream: process.stderr, clearOnComplete: true }, Presets.rect)
      : null;
    this.#bar?.start(total, 0, { remark: '' });
  }

  show(done: number, remark: string): void {
    if (this.#bar !== null) {
      this.#bar.update(done, { remark });
    } else if (performance.now() - this.#toldAt >= PAUSE) {
      this.#toldAt = performance.now();
      console.error(`load: ${this.#name}: ${done}/${this.#total} ${remark}`);
    }
  }

  stop(): void {
    this.#bar?.stop();
  }
}
