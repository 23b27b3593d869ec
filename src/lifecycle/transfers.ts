import type { Actor } from '../storage/metadata/audit.ts';
import type { Stores } from '../storage/stores.ts';

/** One that said nothing for so long has lost its alarm, or never got one. */
const SILENT = 10 * 60; // seconds

const CLOCK: Actor = { principal: 'clock', address: null };

/** What a run did. */
export interface TransferRun {
  woken: number;
  replicated: number;
}

/**
 * Has transfers that stand still go on, starts those of replications that are due, and forgets those that
 * ended long ago.
 */
export async function runTransfers(
  { metadata: { transfers, replications } }: Stores,
  start: (id: string) => Promise<void>,
): Promise<TransferRun> {
  await transfers.forgetOld();
  const silent = await transfers.silent(SILENT);
  for (const id of silent) {
    await start(id);
  }
  let replicated = 0;
  for (const replication of await replications.due()) {
    const id = crypto.randomUUID();
    if (await replications.start(replication, id, CLOCK)) {
      await start(id);
      replicated += 1;
    }
  }
  return { woken: silent.length, replicated };
}
