/** Tells people how far things are. */
export interface Progress {
  /** Something of `total` bytes, or null when nobody knows, begins. At its end it is `done`: sent. */
  start(name: string, total: number | null, done?: string): Transfer;

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

/** Bytes for people. */
export function formatBytes(bytes: number): string {
  const [unit, divisor] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(bytes / Number(divisor)).toFixed(1)} ${unit}`;
}

/** How much has gone since `started`, a time of `performance.now()`. */
export function formatRate(bytes: number, started: number): string {
  const seconds = Math.max(performance.now() - started, 1) / 1000;
  return `${formatBytes(bytes / seconds)}/s`;
}
