import { formatBytes } from '../amount.ts';

/** Tells people how far things are. */
export interface Progress {
  /** Something of `total` bytes, or null when nobody knows, begins. */
  start(name: string, total: number | null): Transfer;

  /** A line for people. */
  say(message: string): void;

  /** As {@link say}, of something that went wrong. */
  warn(message: string): void;

  /** The last thing to call. */
  stop(): void;
}

/** One thing on its way. After `end` nothing more is called. */
export interface Transfer {
  /** Bytes that went so far; less than before when some were lost. */
  update(bytes: number): void;

  /** What hinders it, until the next update that goes forward. */
  hinder(why: string): void;

  /** It is over: null when all went well. */
  end(problem: string | null): void;
}

/** How much has gone since `started`, a time of `performance.now()`. */
export function formatRate(bytes: number, started: number): string {
  const seconds = Math.max(performance.now() - started, 1) / 1000;
  return `${formatBytes(bytes / seconds)}/s`;
}
