import { RefusalError } from './errors.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that fires, with `message`, when somebody ends the command: by Ctrl-C, for one. */
export function interruption(message = 'broken off'): AbortSignal {
  const controller = new AbortController();
  for (const signal of ENDING) {
    process.on(signal, () => controller.abort(new RefusalError(message)));
  }
  return controller.signal;
}

/**
 * When somebody ends the command, ends the process with `message` and exit code 1, wherever it is: for what
 * may be cut off anywhere.
 *
 * @param cleanUp is called before; it cannot wait for anything
 */
export function exitOnInterruption(message: string, cleanUp: () => void): void {
  for (const signal of ENDING) {
    process.on(signal, () => {
      cleanUp();
      process.stderr.write(`edgewater: ${message}\n`);
      process.exit(1);
    });
  }
}
