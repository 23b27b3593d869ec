import { getSystemErrorMessage } from 'node:util';

/** What went wrong, in one line; of files the path and why. */
export function messageOf(error: unknown): string {
  const { syscall, errno, path, message } = error as NodeJS.ErrnoException;
  return syscall !== undefined && errno !== undefined && path !== undefined
    ? `${path}: ${getSystemErrorMessage(errno)}`
    : (message ?? String(error));
}

/** The command line asks for something that cannot be: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The registry, or the one at the keyboard, did not want to: exit code 1. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';
  readonly status: number | null; // of the answer; null when there was none

  constructor(message: string, status: number | null = null) {
    super(message);
    this.status = status;
  }
}
