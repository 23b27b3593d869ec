import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { RegistryArguments } from './registry.ts';
import type { Windows } from './windows.ts';

const ENTRY = resolve(import.meta.dirname, 'registry.ts');

/** What the runs of the collector have taken, added up. */
export interface Collected {
  runs: number;
  manifests: number;
  expired: number;
  links: number;
  blobs: number;
  bytes: number;
  objects: number;
  orphans: number;
}

/** A registry that can be killed and started again on the same state and port. */
export class RegistryProcess {
  readonly state: string;
  readonly collected: Collected = {
    runs: 0,
    manifests: 0,
    expired: 0,
    links: 0,
    blobs: 0,
    bytes: 0,
    objects: 0,
    orphans: 0,
  };
  /** Lines of the log that tell of a fault. */
  readonly faults: string[] = [];
  url = '';
  readonly #windows: Windows;
  readonly #clockInterval: number;
  #process: ChildProcessByStdio<Writable, Readable, null> | null = null;

  /** `clockInterval` is in milliseconds. */
  constructor(state: string, windows: Windows, clockInterval: number) {
    this.state = state;
    this.#windows = windows;
    this.#clockInterval = clockInterval;
  }

  /** Starts it; when this ends it is ready. @throws Error when it ends before */
  async start(): Promise<void> {
    const given: RegistryArguments = {
      port: Number(new URL(this.url || 'http://127.0.0.1:0').port),
      state: this.state,
      clockInterval: this.#clockInterval,
      variables: {
        LIFETIMES: JSON.stringify(this.#windows),
        // Bytes leave the bucket after the trash's time: nobody may believe in them that long.
        MEMBERSHIP_MAX_AGE: String(Math.floor(this.#windows.trash / 4)),
      },
    };
    const started = spawn(process.execPath, [ENTRY, JSON.stringify(given)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true, // a process group, with the runtime
    });
    this.#process = started;
    const ready = new Promise<string>((done, fail) => {
      createInterface({ input: started.stdout }).on('line', (line) => {
        const { ready: url } = this.#read(line);
        if (url !== undefined) {
          done(url);
        }
      });
      started.once('exit', () => fail(new Error('the registry ended before it was ready')));
    });
    this.url = await ready;
  }

  /** Ends it and its runtime as the plug does. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running?.pid !== undefined && running.exitCode === null && running.signalCode === null) {
      const exited = once(running, 'exit');
      process.kill(-running.pid, 'SIGKILL');
      await exited;
    }
  }

  #read(line: string): { ready?: string } {
    const entry = parse(line);
    if (entry === null) {
      this.faults.push(line);
      return {};
    }
    if (typeof entry.collection === 'object') {
      this.#add(entry.collection as Record<string, unknown>, entry.orphans);
    }
    return typeof entry.ready === 'string' ? { ready: entry.ready } : {};
  }

  #add(collection: Record<string, unknown>, orphans: unknown): void {
    this.collected.runs += 1;
    this.collected.orphans += Number(orphans ?? 0);
    for (const name of ['manifests', 'expired', 'links', 'blobs', 'bytes', 'objects'] as const) {
      this.collected[name] += Number(collection[name] ?? 0);
    }
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
