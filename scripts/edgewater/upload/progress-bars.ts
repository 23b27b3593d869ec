import { MultiBar, type Options, type Params, type SingleBar } from 'cli-progress';
import { formatBytes } from '../amount.ts';
import { printable } from '../output.ts';
import { formatRate, type Progress, type Transfer } from './progress.ts';

/** What a bar shows beside its bytes. */
interface Payload {
  name: string;
  state: string;
  rate: string;
  isTotalKnown: boolean;
}

const WIDTH = 24; // characters
const NOTICEABLE = 1000; // milliseconds: what takes less gets no bar

/** A bar for each thing that takes a while, at the bottom of the terminal of standard error. */
export class ProgressBars implements Progress {
  readonly #done: string;
  #bars: MultiBar | null = null;
  #count = 0; // of things on their way

  /** `done` is what is said of something that has ended well. */
  constructor(done: string) {
    this.#done = done;
  }

  start(name: string, total: number | null): Transfer {
    const started = performance.now();
    const payload = { name: printable(name), state: '', rate: '', isTotalKnown: total !== null };
    let bar: SingleBar | null = null;
    let sent = 0;
    this.#count += 1;
    const draw = () => {
      payload.rate = formatRate(sent, started);
      if (bar === null && performance.now() - started > NOTICEABLE) {
        bar = this.#open().create(total ?? 1, 0, payload);
      }
      bar?.update(sent, payload);
    };
    return {
      update: (bytes) => {
        payload.state = bytes > sent ? '' : payload.state;
        sent = bytes;
        draw();
      },
      hinder: (why) => {
        payload.state = `trying again: ${printable(why)}`;
        draw();
      },
      end: (problem) => {
        payload.state = problem === null ? this.#done : `failed: ${printable(problem)}`;
        draw();
        bar?.stop();
        this.#close(bar === null && problem !== null ? `${name}: ${payload.state}` : null);
      },
    };
  }

  say(message: string): void {
    const line = `${printable(message)}\n`;
    if (this.#bars === null) {
      process.stderr.write(line);
    } else {
      this.#bars.log(line);
    }
  }

  warn(message: string): void {
    this.say(message);
  }

  stop(): void {
    this.#bars?.stop();
    this.#bars = null;
  }

  #open(): MultiBar {
    this.#bars ??= new MultiBar({ format, hideCursor: true, forceRedraw: true, fps: 5 });
    return this.#bars;
  }

  /** When nothing is on its way any more, the bars stay where they are and lines follow. */
  #close(message: string | null): void {
    this.#count -= 1;
    if (this.#count === 0) {
      this.stop();
    }
    if (message !== null) {
      this.say(message);
    }
  }
}

/** `acme/app [=====     ] 12.0 MB of 300.0 MB, 3.1 MB/s, trying again: it answered 502` */
function format(_: Options, { value, total }: Params, payload: Payload): string {
  const done = payload.isTotalKnown ? Math.min(value / Math.max(total, 1), 1) : 0;
  const filled = Math.round(done * WIDTH);
  const bar = payload.isTotalKnown ? ` [${'='.repeat(filled)}${' '.repeat(WIDTH - filled)}]` : '';
  const size = payload.isTotalKnown ? ` of ${formatBytes(total)}` : '';
  const state = payload.state === '' ? '' : `, ${payload.state}`;
  return `${payload.name}${bar} ${formatBytes(value)}${size}, ${payload.rate}${state}`;
}
