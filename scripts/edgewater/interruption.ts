import { RefusalError } from './errors.ts';

/** A signal that fires, with `message`, when somebody ends the command: by Ctrl-C, for one. */
export function interruption(message = 'broken off'): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort(new RefusalError(message)));
  }
  return controller.signal;
}
