import type { Stores } from '../storage/stores.ts';

/** One that said nothing for so long has lost its alarm, or never got one. */
const SILENT = 10 * 60; // seconds

/** Has transfers that stand still go on, and forgets those that ended long ago. How many were woken. */
export async function wakeTransfers(
  { metadata: { transfers } }: Stores,
  start: (id: string) => Promise<void>,
): Promise<number> {
  await transfers.forgetOld();
  const silent = await transfers.silent(SILENT);
  for (const id of silent) {
    await start(id);
  }
  return silent.length;
}
