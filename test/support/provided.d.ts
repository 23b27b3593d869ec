import 'vitest';

declare module 'vitest' {
  /** What vitest.config.ts hands to the tests. */
  interface ProvidedContext {
    seed: number;
    histories: number; // of test/linearizability
    schedules: number; // of test/schedules
  }
}
