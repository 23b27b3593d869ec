import { readdir, readFile } from 'node:fs/promises';

/** What a process takes. */
export interface Memory {
  resident: number; // bytes
  anonymous: number; // bytes of that: heaps, stacks, buffers; the rest is mapped files, so code
  files: number; // open: three for each Durable Object that is in memory, and sockets
}

/** Memory at a time. */
export interface MemorySample extends Memory {
  at: number; // seconds since the watch began
}

/** As the kernel counts it. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  const { length: files } = await readdir(`/proc/${pid}/fd`);
  return { resident: read('VmRSS'), anonymous: read('RssAnon'), files };
}

/** Looks at the memory of a process again and again. */
export class MemoryWatch {
  readonly samples: MemorySample[] = [];
  readonly #start = performance.now();
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;

  /** `interval` is in milliseconds. */
  constructor(pid: number, interval: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => void this.#look(), interval);
    void this.#look();
  }

  stop(): MemorySample[] {
    clearInterval(this.#timer);
    return this.samples;
  }

  /** The most that was resident, in bytes. */
  get peak(): number {
    return this.samples.reduce((most, { resident }) => Math.max(most, resident), 0);
  }

  /** A process that has ended has no memory: whoever asks it will tell. */
  async #look(): Promise<void> {
    const at = (performance.now() - this.#start) / 1000;
    const memory = await memoryOf(this.#pid).catch(() => null);
    if (memory !== null && Number.isFinite(memory.resident)) {
      this.samples.push({ at, ...memory });
    }
  }
}
