import { setTimeout as sleep } from 'node:timers/promises';
import { countUnreachable, openMetadata } from './audit.ts';

/** Waits until the collector has taken what nothing holds, or for `patience` seconds: what is left. */
export async function waitForQuiet(state: string, patience: number): Promise<number> {
  const metadata = await openMetadata(state);
  try {
    const deadline = performance.now() + patience * 1000;
    for (;;) {
      const left = countUnreachable(metadata);
      if (left === 0 || performance.now() > deadline) {
        return left;
      }
      await sleep(1000);
    }
  } finally {
    metadata.close();
  }
}
